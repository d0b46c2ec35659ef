import type { PipelineStatsSource } from '../flow/pipeline/stats.ts';
import type { HttpFigures } from './http-listener.ts';
import { familiesOf, type MetricFamily } from './metric.ts';
import { PIPELINE_METRICS } from './pipeline-metrics.ts';
import type { PushFigures } from './push/pusher.ts';
import { API_METRICS } from './service/api-metrics.ts';
import {
  COLLECTOR_METRICS,
  EXPORTER_METRICS,
  MISSED_METRICS,
  SILENT_METRICS,
} from './service/collector-metrics.ts';
import { FORWARDER_METRICS } from './service/forwarder-metrics.ts';
import { KERNEL_METRICS } from './service/kernel-metrics.ts';
import { HTTP_METRICS, PUSH_METRICS } from './service/monitoring-metrics.ts';
import {
  PROCESS_METRICS,
  type ProcessReader,
  processesOf,
  SERVICE_METRICS,
} from './service/process-metrics.ts';
import { RULE_METRICS } from './service/rule-metrics.ts';
import { RuleReader, type ToldFlow } from './service/rule-reader.ts';
import type { ProxySource, ServiceSource } from './service/source.ts';
import { FOLLOWER_METRICS, STATE_METRICS } from './service/state-metrics.ts';

export interface MetricsReaderParts {
  readonly service: ServiceSource;
  readonly pipelines: PipelineStatsSource;
  readonly processes: ProcessReader;
  /** How many rules are told one by one: with more they are told together. */
  readonly maxRules: number;
  readonly http: () => HttpFigures | undefined;
  readonly push: () => readonly PushFigures[];
}

/** Reads all metrics of the service but vFlow's, as they are at one moment. */
export class MetricsReader {
  readonly #parts: MetricsReaderParts;
  readonly #rules: RuleReader | undefined;

  constructor(parts: MetricsReaderParts) {
    this.#parts = parts;
    const { service, maxRules } = parts;
    const { proxy } = service;
    this.#rules = proxy && new RuleReader(service, proxy, maxRules);
  }

  /** Families of all metrics, in the order of the catalogue. */
  async all(): Promise<MetricFamily[]> {
    const { pipelines: source, processes, http, push } = this.#parts;
    const service = snapshotOf(this.#parts.service);
    const pipelines = source.pipelines();
    const known = await processes.read(processesOf(service.forwarders(), pipelines));
    const told = await this.#rules?.all();
    const { proxy } = service;
    const httpFigures = http();
    return [
      ...familiesOf(SERVICE_METRICS, service),
      ...(proxy === undefined ? [] : stateFamilies(proxy)),
      ...familiesOf(FORWARDER_METRICS, service),
      ...(told === undefined ? [] : flowFamilies(told)),
      ...(proxy === undefined ? [] : familiesOf(API_METRICS, proxy.api())),
      ...familiesOf(PIPELINE_METRICS, pipelines),
      ...familiesOf(PROCESS_METRICS, known),
      ...(httpFigures === undefined ? [] : familiesOf(HTTP_METRICS, httpFigures)),
      ...familiesOf(PUSH_METRICS, push()),
    ];
  }

  /** Those of some rules alone. @param exporters keys of rules */
  async rules(exporters: ReadonlySet<string>): Promise<MetricFamily[]> {
    const told = await this.#rules?.some(exporters);
    return told === undefined ? [] : familiesOf(RULE_METRICS, told);
  }
}

function flowFamilies({ rules, collectors, exporters, silence, missed }: ToldFlow): MetricFamily[] {
  return [
    ...familiesOf(RULE_METRICS, rules),
    ...familiesOf(COLLECTOR_METRICS, collectors),
    ...familiesOf(EXPORTER_METRICS, exporters),
    ...familiesOf(SILENT_METRICS, silence),
    ...familiesOf(MISSED_METRICS, missed),
  ];
}

function stateFamilies(proxy: ProxySource): MetricFamily[] {
  const status = proxy.status();
  const state = {
    status,
    rules: proxy.presentRules(),
    databaseBytes: proxy.databaseBytes(),
    events: proxy.events(),
  };
  return [
    ...familiesOf(STATE_METRICS, state),
    ...familiesOf(KERNEL_METRICS, state),
    ...familiesOf(FOLLOWER_METRICS, state),
  ];
}

/** Counters of forwarders are read once for all metrics. */
function snapshotOf(service: ServiceSource): ServiceSource {
  const forwarders = service.forwarders();
  const ended = service.endedForwarders();
  return {
    buildInfo: service.buildInfo,
    startedAt: service.startedAt,
    proxy: service.proxy,
    forwarders: () => forwarders,
    listeners: () => service.listeners(),
    endedForwarders: () => ended,
    notReady: () => service.notReady(),
    droppedLogLines: () => service.droppedLogLines(),
  };
}

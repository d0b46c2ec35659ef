import { snakeCase } from '../base/text.ts';
import { DECODE_COUNTERS } from '../flow/decode/counters.ts';
import {
  DEATH_COUNTERS,
  ENRICH_COUNTERS,
  PRODUCER_COUNTERS,
  RING_COUNTERS,
  WORKER_COUNTERS,
} from '../flow/pipeline/counters.ts';
import type { PipelineStats } from '../flow/pipeline/stats.ts';
import type { Labels, MetricFamily, MetricType } from './prometheus.ts';

interface Described {
  readonly kind: MetricType;
  readonly meaning: string;
}

const MILLISECONDS = 1000;

/** Counters of pipelines by the names of their catalogues: `floxy_pipeline_producer_delivered_total`. */
export function pipelineMetrics(pipelines: readonly PipelineStats[]): MetricFamily[] {
  return [
    ...stateMetrics(pipelines),
    ...groupMetrics('ring', RING_COUNTERS, pipelines, ({ total }) => total.ring),
    ...groupMetrics('worker', WORKER_COUNTERS, pipelines, ({ total }) => total.worker),
    ...decodeMetrics(pipelines),
    ...groupMetrics('enrich', ENRICH_COUNTERS, pipelines, ({ total }) => total.enrich),
    ...groupMetrics('producer', PRODUCER_COUNTERS, pipelines, ({ total }) => total.producer),
    ...groupMetrics('worker', DEATH_COUNTERS, pipelines, ({ deaths }) => deaths),
  ];
}

function stateMetrics(pipelines: readonly PipelineStats[]): MetricFamily[] {
  const gauge = (name: string, help: string, read: (pipeline: PipelineStats) => number) => ({
    name: `floxy_pipeline_${name}`,
    help,
    type: 'gauge' as const,
    samples: pipelines.map((pipeline) => ({
      labels: labelsOf(pipeline),
      value: read(pipeline),
    })),
  });
  return [
    gauge('up', 'whether the pipeline is running', ({ state }) => (state === 'running' ? 1 : 0)),
    gauge('workers', 'workers of the pipeline', ({ workers }) => workers.length),
    gauge('producers_failing', 'workers whose producer cannot deliver', ({ workers }) => {
      return workers.filter(({ producer }) => producer.state === 'failing').length;
    }),
    gauge('counted_since_timestamp_seconds', 'since when counters count', ({ countedSince }) => {
      return countedSince.getTime() / MILLISECONDS;
    }),
  ];
}

function groupMetrics<K extends string>(
  group: string,
  catalogue: Readonly<Record<K, Described>>,
  pipelines: readonly PipelineStats[],
  countersOf: (pipeline: PipelineStats) => Readonly<Record<K, number>>,
): MetricFamily[] {
  return (Object.keys(catalogue) as K[]).map((key) => {
    const { kind, meaning } = catalogue[key];
    const { name, factor } = metricName(`${group}_${snakeCase(key)}`, kind);
    const samples = pipelines.map((pipeline) => ({
      labels: labelsOf(pipeline),
      value: countersOf(pipeline)[key] * factor,
    }));
    return { name, help: meaning, type: kind, samples };
  });
}

/** Counters of one protocol have it as a label. */
function decodeMetrics(pipelines: readonly PipelineStats[]): MetricFamily[] {
  const families = new Map<string, MetricFamily>();
  for (const { key, kind, meaning, protocol, word } of DECODE_COUNTERS) {
    const { name, factor } = metricName(`decode_${snakeCase(key)}`, kind);
    const samples = pipelines.map((pipeline) => ({
      labels: { ...labelsOf(pipeline), ...(protocol && { protocol }) },
      value: (pipeline.total.decode[word] ?? 0) * factor,
    }));
    const before = families.get(name)?.samples ?? [];
    families.set(name, { name, help: meaning, type: kind, samples: [...before, ...samples] });
  }
  return [...families.values()];
}

/** By Prometheus' conventions: base units, and `_total` behind what only grows. */
function metricName(name: string, kind: MetricType): { name: string; factor: number } {
  const inSeconds = name.replace(/_ms$/, '_seconds');
  // "us" reads as microseconds.
  const clear = inSeconds.replace(/_before_us$/, '_before_arrival');
  const ending = kind === 'counter' ? '_total' : '';
  return {
    name: `floxy_pipeline_${clear}${ending}`,
    factor: inSeconds === name ? 1 : 1 / MILLISECONDS,
  };
}

function labelsOf({ name }: PipelineStats): Labels {
  return { pipeline: name };
}

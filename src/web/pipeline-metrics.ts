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
import { type Labels, type Metric, type MetricType, secondsOf } from './metric.ts';

interface Described {
  readonly kind: MetricType;
  readonly meaning: string;
}

type PipelineMetric = Metric<readonly PipelineStats[]>;

const MILLISECONDS = 1000;

/** Counters of pipelines by the names of their catalogues: `floxy_pipeline_producer_delivered_total`. */
export const PIPELINE_METRICS: readonly PipelineMetric[] = [
  gauge('up', 'whether the pipeline is running', ({ state }) => (state === 'running' ? 1 : 0)),
  gauge('workers', 'workers of the pipeline', ({ workers }) => workers.length),
  gauge('producers_failing', 'workers whose producer cannot deliver', ({ workers }) => {
    return workers.filter(({ producer }) => producer.state === 'failing').length;
  }),
  gauge('counted_since_timestamp_seconds', 'since when counters count', ({ countedSince }) => {
    return secondsOf(countedSince);
  }),
  ...groupMetrics('ring', RING_COUNTERS, ({ total }) => total.ring),
  ...groupMetrics('worker', WORKER_COUNTERS, ({ total }) => total.worker),
  ...decodeMetrics(),
  ...groupMetrics('enrich', ENRICH_COUNTERS, ({ total }) => total.enrich),
  ...groupMetrics('producer', PRODUCER_COUNTERS, ({ total }) => total.producer),
  ...groupMetrics('worker', DEATH_COUNTERS, ({ deaths }) => deaths),
];

function gauge(
  name: string,
  help: string,
  value: (pipeline: PipelineStats) => number,
): PipelineMetric {
  return perPipeline(`floxy_pipeline_${name}`, help, 'gauge', value);
}

function groupMetrics<K extends string>(
  group: string,
  catalogue: Readonly<Record<K, Described>>,
  countersOf: (pipeline: PipelineStats) => Readonly<Record<K, number>>,
): PipelineMetric[] {
  return (Object.keys(catalogue) as K[]).map((key) => {
    const { kind, meaning } = catalogue[key];
    const { name, factor } = metricName(`${group}_${snakeCase(key)}`, kind);
    return perPipeline(name, meaning, kind, (pipeline) => countersOf(pipeline)[key] * factor);
  });
}

function perPipeline(
  name: string,
  help: string,
  type: MetricType,
  value: (pipeline: PipelineStats) => number,
): PipelineMetric {
  return {
    name,
    help,
    type,
    labels: ['pipeline'],
    *read(pipelines) {
      for (const pipeline of pipelines)
        yield { labels: labelsOf(pipeline), value: value(pipeline) };
    },
  };
}

/** Counters of one protocol have it as a label. */
function decodeMetrics(): PipelineMetric[] {
  const rows = Map.groupBy(DECODE_COUNTERS, ({ key, kind }) => {
    return metricName(`decode_${snakeCase(key)}`, kind).name;
  });
  return [...rows].map(([name, words]) => {
    const { key, kind = 'counter', meaning = '' } = words[0] ?? {};
    const { factor } = metricName(`decode_${snakeCase(key ?? '')}`, kind);
    const isOfProtocols = words.some(({ protocol }) => protocol !== undefined);
    return {
      name,
      help: meaning,
      type: kind,
      labels: isOfProtocols ? ['pipeline', 'protocol'] : ['pipeline'],
      *read(pipelines: readonly PipelineStats[]) {
        for (const { protocol, word } of words) {
          for (const pipeline of pipelines) {
            const labels = { ...labelsOf(pipeline), ...(protocol && { protocol }) };
            yield { labels, value: (pipeline.total.decode[word] ?? 0) * factor };
          }
        }
      },
    };
  });
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

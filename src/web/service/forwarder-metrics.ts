import { snakeCase } from '../../base/text.ts';
import { FORWARDER_COUNTERS, type KnownCounter } from '../../telemetry/catalogue.ts';
import type { ForwarderCounters, ForwarderStatus, ListenerStatus } from '../../telemetry/status.ts';
import { type Labels, type Metric, type MetricSample, secondsOf, single } from '../metric.ts';
import type { ServiceSource } from './source.ts';

/** What moves packets: processes with sockets. */
const ENGINE = 'socket';

/** The label `forwarder` of those that are no more. */
const ENDED = 'ended';

const LABELS = ['engine', 'forwarder'] as const;

/** Counters of forwarders by the names of their catalogue: `floxy_forwarder_received_packets_total`. */
export const FORWARDER_METRICS: readonly Metric<ServiceSource>[] = [
  perForwarder('up', 'whether the forwarder has a process', ({ pid }) =>
    pid === undefined ? 0 : 1,
  ),
  {
    name: 'floxy_forwarder_restarts_total',
    help: 'how often the process of the forwarder was replaced because it died or hung',
    type: 'counter',
    labels: LABELS,
    *read(service) {
      for (const { index, restarts } of service.forwarders()) {
        yield { labels: labelsOf(index), value: restarts };
      }
    },
  },
  ...FORWARDER_COUNTERS.flatMap(counterMetrics),
  ofListeners(
    'received_packets',
    'packets that came to a listening address, test datagrams left out',
    (of) => of.received.packets,
  ),
  ofListeners(
    'received_bytes',
    'payload bytes of packets that came to a listening address',
    (of) => of.received.bytes,
  ),
  ofListeners(
    'kernel_drops',
    'packets to a listening address that the kernel dropped before the proxy could take them',
    (of) => of.kernelDrops,
  ),
  {
    name: 'floxy_losses_total',
    help: 'packets and copies that did not go their way, of all forwarders, by cause; docs/operating.md says what to do',
    type: 'counter',
    labels: ['cause'],
    read: lossSamples,
  },
  single(
    'gauge',
    'floxy_counters_since_timestamp_seconds',
    'since when the counters of forwarders, rules and collectors count: they go on over restarts of control',
    (service) => {
      const ended = service.endedForwarders();
      return ended === undefined ? undefined : secondsOf(ended.countedSince);
    },
  ),
];

function ofListeners(
  name: string,
  help: string,
  value: (listener: ListenerStatus) => bigint,
): Metric<ServiceSource> {
  return {
    name: `floxy_listener_${name}_total`,
    help,
    type: 'counter',
    labels: ['address'],
    read: (service) =>
      service.listeners().map((listener) => ({
        labels: { address: listener.address },
        value: value(listener),
      })),
  };
}

function perForwarder(
  name: string,
  help: string,
  value: (forwarder: ForwarderStatus) => number,
): Metric<ServiceSource> {
  return {
    name: `floxy_forwarder_${name}`,
    help,
    type: 'gauge',
    labels: LABELS,
    read: (service) =>
      service.forwarders().map((forwarder) => ({
        labels: labelsOf(forwarder.index),
        value: value(forwarder),
      })),
  };
}

function counterMetrics(row: KnownCounter): Metric<ServiceSource>[] {
  const name = `floxy_forwarder_${snakeCase(row.key)}`;
  if (row.kind === 'errors') {
    const labels = [...LABELS, 'error'];
    return [counter(`${name}_total`, row.meaning, labels, (of) => errorSamples(of[row.key]))];
  }
  if (row.kind === 'count') {
    return [counter(`${name}_total`, row.meaning, LABELS, (of) => [{ value: of[row.key] }])];
  }
  const bytes = `payload bytes of ${row.meaning}`;
  return [
    counter(`${name}_packets_total`, row.meaning, LABELS, (of) => [{ value: of[row.key].packets }]),
    counter(`${name}_bytes_total`, bytes, LABELS, (of) => [{ value: of[row.key].bytes }]),
  ];
}

/** Of each forwarder, and of those that are no more. */
function counter(
  name: string,
  help: string,
  labels: readonly string[],
  samples: (counters: ForwarderCounters) => Iterable<MetricSample>,
): Metric<ServiceSource> {
  return {
    name,
    help,
    type: 'counter',
    labels,
    *read(service) {
      for (const [index, counters] of countersOf(service)) {
        for (const sample of samples(counters)) {
          yield { ...sample, labels: { ...labelsOf(index), ...sample.labels } };
        }
      }
    },
  };
}

function* errorSamples(errors: ForwarderCounters['sendErrors']): Generator<MetricSample> {
  for (const { code, count } of errors) yield { labels: { error: code }, value: count };
}

/** All causes are there from the start: what has no value before its first loss shows no growth. */
function* lossSamples(service: ServiceSource): Generator<MetricSample> {
  const all = [...countersOf(service)];
  for (const row of FORWARDER_COUNTERS) {
    if (!('loss' in row)) continue;
    let sum = 0n;
    for (const [, counters] of all) {
      if (row.kind === 'count') sum += counters[row.key];
      else for (const { count } of counters[row.key]) sum += count;
    }
    yield { labels: { cause: snakeCase(row.key) }, value: sum };
  }
}

function countersOf(service: ServiceSource): [number | typeof ENDED, ForwarderCounters][] {
  const running = service
    .forwarders()
    .map((forwarder): [number, ForwarderCounters] => [forwarder.index, forwarder]);
  const ended = service.endedForwarders();
  return ended === undefined ? running : [...running, [ENDED, ended.counters]];
}

function labelsOf(forwarder: number | typeof ENDED): Labels {
  return { engine: ENGINE, forwarder: String(forwarder) };
}

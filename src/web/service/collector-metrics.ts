import type { ExporterReport, SilentExporter } from '../../model/exporter-status.ts';
import { exporterKey } from '../../model/rules.ts';
import { type Metric, single } from '../metric.ts';
import { type CollectorSum, sendersOf } from './collector-sums.ts';
import type { MissedSum } from './missed-sums.ts';

/** A rule is silent when nothing of it has come for so long. */
export const SILENT_AFTER_MS = 5 * 60_000;

const SILENT_MINUTES = SILENT_AFTER_MS / 60_000;

const ALL_TOGETHER = 'all together when there are more than COLLECTOR_METRICS_MAX_RULES';
const EACH = `by address and port; ${ALL_TOGETHER}`;

/** Who is silent, as it is told: at most so many one by one. */
export interface ToldSilence {
  readonly silent: readonly SilentExporter[];
  readonly limit: number;
  readonly now: Date;
}

/** Of collectors, over all rules that name them. */
export const COLLECTOR_METRICS: readonly Metric<readonly CollectorSum[]>[] = [
  ofEach(
    'counter',
    'sent_packets_total',
    `copies that the kernel took for a collector, ${EACH}`,
    (sum) => {
      return sum.packets;
    },
  ),
  ofEach('counter', 'sent_bytes_total', 'payload bytes of these copies', ({ bytes }) => bytes),
  {
    name: 'floxy_collector_send_errors_total',
    help: 'copies that could not be sent to a collector, by error; floxy collectors says what to do',
    type: 'counter',
    labels: ['collector', 'error'],
    *read(sums) {
      for (const { collector, errors } of sums) {
        for (const [error, value] of errors) yield { labels: { collector, error }, value };
      }
    },
  },
  ofEach(
    'gauge',
    'problem',
    'whether something is known to be wrong with a collector, or the way to it: floxy collectors says what',
    ({ problems }) => problems,
  ),
  {
    name: 'floxy_collector_down',
    help: `whether the checks of a collector say that it is down, of those that rules have watched, ${EACH}`,
    type: 'gauge',
    labels: ['collector'],
    *read(sums) {
      for (const { collector, down } of sums) {
        if (down !== undefined) yield { labels: { collector }, value: down };
      }
    },
  },
  {
    name: 'floxy_collectors',
    help: 'collectors by how copies to them leave: as frames, or through raw sockets of the kernel',
    type: 'gauge',
    labels: ['sender'],
    *read(sums) {
      const senders = sendersOf(sums);
      for (const sender of ['frames', 'kernel'] as const)
        yield { labels: { sender }, value: senders.get(sender) ?? 0 };
    },
  },
];

/** Of who sends. */
export const EXPORTER_METRICS: readonly Metric<ExporterReport>[] = [
  gauge(
    'floxy_exporters_seen',
    'exporters, address and port, from which packets have come',
    (report) => {
      return report.seen.length;
    },
  ),
  gauge(
    'floxy_exporters_unknown',
    'those of them that have no rule: the default outputs get their packets',
    (report) => {
      return report.seen.filter(({ rule }) => rule === undefined).length;
    },
  ),
  gauge(
    'floxy_rules_silent',
    `rules of whose exporter nothing has come for ${SILENT_MINUTES} minutes`,
    ({ silent }) => silent.length,
  ),
];

/** Of exporters that rules expect to send. */
export const SILENT_METRICS: readonly Metric<ToldSilence>[] = [
  single(
    'gauge',
    'floxy_exporters_silent',
    'exporters that have been silent for longer than expect_every of their rule',
    ({ silent }) => silent.length,
  ),
  {
    name: 'floxy_exporter_silent_seconds',
    help: 'how long such an exporter has been silent; none of them when there are more than COLLECTOR_METRICS_MAX_RULES',
    type: 'gauge',
    labels: ['exporter', 'rule'],
    *read({ silent, limit, now }) {
      if (silent.length > limit) return;
      for (const { exporter, rule, silentSince } of silent) {
        const value = (now.getTime() - silentSince.getTime()) / 1000;
        yield { labels: { exporter, rule: exporterKey(rule) }, value };
      }
    },
  },
];

/** What the numbers of exporters that have a rule miss. */
export const MISSED_METRICS: readonly Metric<readonly MissedSum[]>[] = [
  {
    name: 'floxy_exporter_missed_total',
    help: `what was lost on the way from an exporter with a rule, by its sequence numbers: flows of NetFlow 5, datagrams of NetFlow 9 and sFlow, records of IPFIX; by address, ${ALL_TOGETHER}`,
    type: 'counter',
    labels: ['exporter', 'protocol'],
    *read(sums) {
      for (const { exporter, protocol, lost } of sums) {
        yield { labels: { exporter, protocol }, value: lost };
      }
    },
  },
];

function ofEach(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: (sum: CollectorSum) => number,
): Metric<readonly CollectorSum[]> {
  return {
    name: `floxy_collector_${name}`,
    help,
    type,
    labels: ['collector'],
    *read(sums) {
      for (const sum of sums) yield { labels: { collector: sum.collector }, value: value(sum) };
    },
  };
}

function gauge(
  name: string,
  help: string,
  value: (report: ExporterReport) => number,
): Metric<ExporterReport> {
  return { name, help, type: 'gauge', labels: [], read: (report) => [{ value: value(report) }] };
}

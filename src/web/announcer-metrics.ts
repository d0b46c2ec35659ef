/** Metrics of `floxy announce`, a process of its own with pages of its own. */
import type { Logger } from 'pino';
import type { SocketAddress } from '../config/socket-address.ts';
import { HttpListener } from './http-listener.ts';
import { familiesOf, type Metric, secondsOf, single } from './metric.ts';
import { EXPOSITION_TYPES, formatMetrics, negotiate } from './prometheus.ts';

/** What the announcer has done since it was started. */
export interface AnnouncerFigures {
  /** Of each service address, whether it is announced, as far as is known. */
  readonly announced: ReadonlyMap<string, boolean>;
  /** Whether the addresses are to be announced; undefined before the first verdict. */
  readonly isWanted: boolean | undefined;
  /** Looks at the proxy's health that were good and bad. */
  readonly good: number;
  readonly bad: number;
  readonly announcements: number;
  readonly withdrawals: number;
  /** Changes of routes that failed. */
  readonly failures: number;
}

export interface AnnouncerSource {
  readonly startedAt: Date;
  figures(): AnnouncerFigures;
}

const PLAIN = 'text/plain; charset=utf-8';

export const ANNOUNCER_METRICS: readonly Metric<AnnouncerSource>[] = [
  {
    name: 'floxy_announce_announced',
    help: 'whether a service address is announced to the network',
    type: 'gauge',
    labels: ['address'],
    *read(source) {
      for (const [address, isAnnounced] of source.figures().announced) {
        yield { labels: { address }, value: isAnnounced ? 1 : 0 };
      }
    },
  },
  single(
    'gauge',
    'floxy_announce_wanted',
    'whether the proxy is well, so that its addresses are to be announced',
    (source) => {
      const { isWanted } = source.figures();
      return isWanted === undefined ? undefined : Number(isWanted);
    },
  ),
  counted('floxy_announce_looks_total', "looks at the proxy's health", ({ good, bad }) => ({
    good,
    bad,
  })),
  counted('floxy_announce_changes_total', 'routes that were changed', (figures) => ({
    announced: figures.announcements,
    withdrawn: figures.withdrawals,
    failed: figures.failures,
  })),
  single('gauge', 'process_start_time_seconds', 'when the announcer was started', (source) => {
    return secondsOf(source.startedAt);
  }),
];

/** `/metrics` and `/healthz` of the announcer. */
export function makeAnnouncerServer(
  source: AnnouncerSource,
  address: SocketAddress,
  log: Logger,
): HttpListener {
  return new HttpListener({
    address,
    setting: 'COLLECTOR_ANNOUNCE_METRICS_ADDRESS',
    pages: {
      '/metrics': ({ accept }) => {
        const exposition = negotiate(accept);
        const families = familiesOf(ANNOUNCER_METRICS, source);
        const body = formatMetrics(families, exposition);
        return { contentType: EXPOSITION_TYPES[exposition], body };
      },
      '/healthz': () => ({ contentType: PLAIN, body: 'ok\n' }),
    },
    log,
  });
}

function counted(
  name: string,
  help: string,
  values: (figures: AnnouncerFigures) => Readonly<Record<string, number>>,
): Metric<AnnouncerSource> {
  return {
    name,
    help: `${help}, by result`,
    type: 'counter',
    labels: ['result'],
    *read(source) {
      for (const [result, value] of Object.entries(values(source.figures()))) {
        yield { labels: { result }, value };
      }
    },
  };
}

/** What exporters send and collectors get, with rates between two looks. */
import type { CollectorStatus } from '../../model/collector-status.ts';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import type { ExporterReport, ExporterStatus } from '../../model/exporter-status.ts';
import type { Counters } from '../../model/statistics.ts';
import type { ExporterChoice, TrafficOrder } from '../../protocol/view-messages.ts';
import { type Rate, rateBetween } from '../../telemetry/traffic-history.ts';
import type { RuleFilter } from './filter.ts';

/** What is sorted by; and what it is of. */
interface Row {
  readonly endpoint: Endpoint;
  readonly rate: Rate;
  readonly lost: bigint;
  readonly lostPerSecond: number;
  readonly lastSeen?: Date | undefined;
}

export interface ExporterRow extends Row {
  readonly state: 'Sending' | 'Unknown' | 'Silent';
  readonly rule?: Endpoint | undefined;
  /** Undefined for a rule of which nothing has come. */
  readonly seen?: ExporterStatus | undefined;
}

export interface CollectorRow extends Row {
  readonly status: CollectorStatus;
}

/** Everything at a moment. */
export interface Look {
  readonly atMs: number;
  readonly exporters?: ExporterReport | undefined;
  readonly collectors?: readonly CollectorStatus[] | undefined;
}

export interface RowWish {
  readonly filter: RuleFilter;
  readonly choice: ExporterChoice;
  readonly order: TrafficOrder;
  readonly silentAfterMs: number;
}

interface Counted {
  readonly counters: Counters;
  readonly lost: bigint;
}

/** What the rows of a look are compared with: the counts of the look before it. */
export class LookBefore {
  readonly #atMs: number;
  readonly #exporters: ReadonlyMap<string, Counted>;
  readonly #collectors: ReadonlyMap<string, Counted>;

  constructor({ atMs, exporters, collectors }: Look) {
    this.#atMs = atMs;
    this.#exporters = new Map(
      exporters?.seen.map(({ endpoint, received, lost }) => [
        formatEndpoint(endpoint),
        { counters: received, lost },
      ]),
    );
    this.#collectors = new Map(
      collectors?.map((status) => [
        formatEndpoint(status.endpoint),
        { counters: status.sent, lost: lostOf(status) },
      ]),
    );
  }

  /** In the order that is wanted. */
  exporterRows({ atMs, exporters }: Look, wish: RowWish): ExporterRow[] {
    if (exporters === undefined) return [];
    const seconds = this.#secondsUntil(atMs);
    const seen = wish.choice === 'Silent' ? [] : exporters.seen;
    const rows = seen.map((status): ExporterRow => {
      const { endpoint, received, lost, rule, lastSeen } = status;
      const before = this.#exporters.get(formatEndpoint(endpoint)) ?? NOTHING;
      const isSilent = Date.now() - lastSeen.getTime() > wish.silentAfterMs;
      const state = rule === undefined ? 'Unknown' : isSilent ? 'Silent' : 'Sending';
      const rate = rateBetween(before.counters, received, seconds);
      const lostPerSecond = perSecond(before.lost, lost, seconds);
      const row = { endpoint, rate, lost, lostPerSecond, lastSeen, state, seen: status } as const;
      return rule === undefined ? row : { ...row, rule: rule.endpoint };
    });
    const { filter, choice, order } = wish;
    const wanted = [...rows, ...silentRows(exporters, choice)].filter(
      (row) => filter.hasExporter(row.endpoint) && isChosen(row, choice),
    );
    return wanted.sort(COMPARE[order]);
  }

  /** In the order that is wanted. */
  collectorRows({ atMs, collectors = [] }: Look, { filter, order }: RowWish): CollectorRow[] {
    const seconds = this.#secondsUntil(atMs);
    const wanted = collectors.filter(({ endpoint }) => filter.hasCollector(endpoint));
    const rows = wanted.map((status): CollectorRow => {
      const { endpoint, sent } = status;
      const lost = lostOf(status);
      const before = this.#collectors.get(formatEndpoint(endpoint)) ?? NOTHING;
      const rate = rateBetween(before.counters, sent, seconds);
      return { endpoint, rate, lost, lostPerSecond: perSecond(before.lost, lost, seconds), status };
    });
    return rows.sort(COMPARE[order]);
  }

  #secondsUntil(atMs: number): number {
    return Math.max(0.001, (atMs - this.#atMs) / 1000);
  }
}

const NOTHING: Counted = { counters: { packets: 0n, bytes: 0n }, lost: 0n };
const NO_RATE: Rate = { packetsPerSecond: 0, bytesPerSecond: 0 };

function silentRows({ silent }: ExporterReport, choice: ExporterChoice): ExporterRow[] {
  if (choice !== 'All' && choice !== 'Silent') return [];
  // Of the others there is a row of what was seen.
  const listed =
    choice === 'All' ? silent.filter(({ lastSeen }) => lastSeen === undefined) : silent;
  return listed.map(({ exporter: { endpoint }, lastSeen }) => {
    const row = { endpoint, rate: NO_RATE, lost: 0n, lostPerSecond: 0 };
    return { ...row, lastSeen, state: 'Silent', rule: endpoint };
  });
}

function isChosen({ state, rate }: ExporterRow, choice: ExporterChoice): boolean {
  if (choice === 'Unknown') return state === 'Unknown';
  return choice !== 'Sending' || rate.packetsPerSecond > 0;
}

function lostOf({ errors }: CollectorStatus): bigint {
  return errors.reduce((sum, { count }) => sum + count, 0n);
}

function perSecond(before: bigint, after: bigint, seconds: number): number {
  return Math.max(0, Number(after - before) / seconds);
}

type Compare = (one: Row, other: Row) => number;

/** What is equal stands in the order of addresses, so that rows do not jump. */
const COMPARE: Readonly<Record<TrafficOrder, Compare>> = {
  Unspecified: most((row) => row.rate.packetsPerSecond),
  Packets: most((row) => row.rate.packetsPerSecond),
  Bytes: most((row) => row.rate.bytesPerSecond),
  Lost: most(
    (row) => row.lostPerSecond,
    (row) => Number(row.lost),
  ),
  LastSeen: most(
    (row) => row.lastSeen?.getTime() ?? 0,
    (row) => row.rate.packetsPerSecond,
  ),
  Address: byAddress,
};

function most(...keys: readonly ((row: Row) => number)[]): Compare {
  return (one, other) => {
    for (const key of keys) {
      const difference = key(other) - key(one);
      if (difference !== 0) return difference;
    }
    return byAddress(one, other);
  };
}

/** IPv4 before IPv6. */
function byAddress({ endpoint: one }: Row, { endpoint: other }: Row): number {
  if (one.octets.length !== other.octets.length) return one.octets.length - other.octets.length;
  return Buffer.compare(one.octets, other.octets) || one.port - other.port;
}

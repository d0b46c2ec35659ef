/** What exporters send and collectors get, with rates between two looks. */
import { sortInTurns } from '../../base/sort-in-turns.ts';
import { Turn } from '../../base/turn.ts';
import type { CollectorStatus } from '../../model/collector-status.ts';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import type { ExporterReport, ExporterStatus } from '../../model/exporter-status.ts';
import type { Exporter } from '../../model/rules.ts';
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
  readonly rule?: Exporter | undefined;
  /** Undefined for a rule of which nothing has come. */
  readonly seen?: ExporterStatus | undefined;
  readonly expectEveryMs?: number | undefined;
  readonly description?: string | undefined;
}

export interface CollectorRow extends Row {
  readonly status: CollectorStatus;
}

/** Everything at a moment. */
export interface Look {
  readonly atMs: number;
  readonly exporters?: ExporterReport | undefined;
  readonly collectors?: readonly CollectorStatus[] | undefined;
  readonly forgottenCopies: bigint;
}

export interface RowWish {
  readonly filter: RuleFilter;
  readonly choice: ExporterChoice;
  readonly order: TrafficOrder;
  readonly silentAfterMs: number;
  readonly limit: number;
}

interface Counted {
  readonly counters: Counters;
  readonly lost: bigint;
}

/** The first rows that are wanted, and how many there are. */
export interface Rows<R extends Row> {
  readonly rows: readonly R[];
  readonly count: number;
}

/** What the rows of a look are compared with: the counts of the look before it. */
export class LookBefore {
  readonly #atMs: number;
  readonly #exporters: ReadonlyMap<string, Counted>;
  readonly #collectors: ReadonlyMap<string, Counted>;

  private constructor(
    atMs: number,
    exporters: ReadonlyMap<string, Counted>,
    collectors: ReadonlyMap<string, Counted>,
  ) {
    this.#atMs = atMs;
    this.#exporters = exporters;
    this.#collectors = collectors;
  }

  static async of({ atMs, exporters, collectors }: Look): Promise<LookBefore> {
    const seen = await mapInTurns(exporters?.seen ?? [], ({ endpoint, received, lost }) => {
      return [formatEndpoint(endpoint), { counters: received, lost }] as const;
    });
    const known = await mapInTurns(collectors ?? [], (status) => {
      return [
        formatEndpoint(status.endpoint),
        { counters: status.sent, lost: lostOf(status) },
      ] as const;
    });
    return new LookBefore(atMs, new Map(seen), new Map(known));
  }

  async exporterRows({ atMs, exporters }: Look, wish: RowWish): Promise<Rows<ExporterRow>> {
    if (exporters === undefined) return { rows: [], count: 0 };
    const seconds = this.#secondsUntil(atMs);
    const seen = wish.choice === 'Silent' ? [] : exporters.seen;
    const { filter, choice } = wish;
    const rows = await mapInTurns(seen, (status) =>
      filter.hasExporter({ endpoint: status.endpoint })
        ? this.#exporterRow(status, seconds, wish)
        : undefined,
    );
    const wanted = rows.filter((row) => row !== undefined && isChosen(row, choice));
    const silent = silentRows(exporters, choice).filter(({ rule }) => filter.hasExporter(rule));
    return sorted([...(wanted as ExporterRow[]), ...silent], wish);
  }

  async collectorRows({ atMs, collectors = [] }: Look, wish: RowWish): Promise<Rows<CollectorRow>> {
    const seconds = this.#secondsUntil(atMs);
    const wanted = collectors.filter(({ endpoint }) => wish.filter.hasCollector(endpoint));
    const rows = await mapInTurns(wanted, (status): CollectorRow => {
      const { endpoint, sent } = status;
      const lost = lostOf(status);
      const before = this.#collectors.get(formatEndpoint(endpoint)) ?? NOTHING;
      const rate = rateBetween(before.counters, sent, seconds);
      return { endpoint, rate, lost, lostPerSecond: perSecond(before.lost, lost, seconds), status };
    });
    return sorted(rows, wish);
  }

  #exporterRow(status: ExporterStatus, seconds: number, { silentAfterMs }: RowWish): ExporterRow {
    const { endpoint, received, lost, rule, lastSeen } = status;
    const before = this.#exporters.get(formatEndpoint(endpoint)) ?? NOTHING;
    const { expectEveryMs, description } = status;
    const isSilent = Date.now() - lastSeen.getTime() > (expectEveryMs ?? silentAfterMs);
    const state = rule === undefined ? 'Unknown' : isSilent ? 'Silent' : 'Sending';
    const rate = rateBetween(before.counters, received, seconds);
    const lostPerSecond = perSecond(before.lost, lost, seconds);
    const row = {
      endpoint,
      rate,
      lost,
      lostPerSecond,
      lastSeen,
      state,
      seen: status,
      expectEveryMs,
      description,
    } as const;
    return rule === undefined ? row : { ...row, rule };
  }

  #secondsUntil(atMs: number): number {
    return Math.max(0.001, (atMs - this.#atMs) / 1000);
  }
}

async function sorted<R extends Row>(
  rows: readonly R[],
  { order, limit }: RowWish,
): Promise<Rows<R>> {
  return { rows: await sortInTurns(rows, COMPARE[order], limit), count: rows.length };
}

/** Maps a long list, letting the process do other things in between. */
async function mapInTurns<T, U>(items: readonly T[], map: (item: T) => U): Promise<U[]> {
  const turn = new Turn();
  const mapped: U[] = [];
  for (const item of items) {
    if (turn.isOver) await turn.next();
    mapped.push(map(item));
  }
  return mapped;
}

const NOTHING: Counted = { counters: { packets: 0n, bytes: 0n }, lost: 0n };
const NO_RATE: Rate = { packetsPerSecond: 0, bytesPerSecond: 0 };

function silentRows(
  { silent }: ExporterReport,
  choice: ExporterChoice,
): (ExporterRow & { readonly rule: Exporter })[] {
  if (choice !== 'All' && choice !== 'Silent') return [];
  // Of the others there is a row of what was seen.
  const listed =
    choice === 'All' ? silent.filter(({ lastSeen }) => lastSeen === undefined) : silent;
  return listed.map(({ exporter, lastSeen, expectEveryMs, description }) => {
    const { endpoint } = exporter;
    const row = { endpoint, rate: NO_RATE, lost: 0n, lostPerSecond: 0, expectEveryMs, description };
    return { ...row, lastSeen, state: 'Silent', rule: exporter };
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

/** Packets sent against packets arrived, by exporter and number. */
import type { PacketRecord } from '../../tools/traffic/records.ts';

/** A packet that took longer arrived too late to count: a queue held it while nobody forwarded. */
const LATE_MS = 500;

/** What became of the packets of a span of time. */
export interface Tally {
  readonly sent: number;
  /** Have not arrived. */
  readonly lost: number;
  /** Arrived more than LATE_MS after they were sent. */
  readonly late: number;
  /** Arrived more than once. */
  readonly duplicated: number;
  /** When the first and the last one were sent that were lost or late; undefined when there is none. */
  readonly firstBadMs: number | undefined;
  readonly lastBadMs: number | undefined;
  /** How long the slowest packet took. */
  readonly longestMs: number;
  /** How many packets came each way, from way 1. */
  readonly byWay: readonly number[];
  /** Exporters whose packets came more ways than one. */
  readonly wanderers: number;
  /** Exporters by the way of their packets, from way 1. */
  readonly exportersByWay: readonly ReadonlySet<number>[];
  /** Lost packets by exporter. */
  readonly lostByExporter: ReadonlyMap<number, number>;
}

const WAYS = 2;

interface Stream {
  /** Sent at, by sequence number. */
  readonly sentMs: number[];
  /** Arrived at, by sequence number; undefined: not yet. */
  readonly arrivedMs: (number | undefined)[];
  readonly ways: (number | undefined)[];
  readonly duplicates: Set<number>;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Sums = Writable<Tally> & {
  byWay: number[];
  exportersByWay: Set<number>[];
  lostByExporter: Map<number, number>;
};

export class Ledger {
  readonly #streams: readonly Stream[];
  arrivals = 0;
  /** When the last packet was sent of those that have arrived. */
  lastServedMs = 0;

  constructor(exporters: number) {
    this.#streams = Array.from({ length: exporters }, () => ({
      sentMs: [],
      arrivedMs: [],
      ways: [],
      duplicates: new Set(),
    }));
  }

  addSent({ exporter, sequence, atMs }: PacketRecord): void {
    const { sentMs } = this.#stream(exporter);
    if (sequence !== sentMs.length) throw new Error(`exporter ${exporter} left a number out`);
    sentMs.push(atMs);
  }

  addArrived({ exporter, sequence, atMs, way }: PacketRecord): void {
    const { sentMs, arrivedMs, ways, duplicates } = this.#stream(exporter);
    this.arrivals++;
    if (arrivedMs[sequence] !== undefined) {
      duplicates.add(sequence);
      return;
    }
    arrivedMs[sequence] = atMs;
    this.lastServedMs = Math.max(this.lastServedMs, sentMs[sequence] ?? 0);
    ways[sequence] = way;
  }

  /** Of the packets sent from a time up to, but not at, another one. */
  tally(fromMs: number, toMs: number): Tally {
    const sums: Sums = {
      sent: 0,
      lost: 0,
      late: 0,
      duplicated: 0,
      firstBadMs: undefined,
      lastBadMs: undefined,
      longestMs: 0,
      byWay: Array(WAYS).fill(0),
      wanderers: 0,
      exportersByWay: Array.from({ length: WAYS }, () => new Set<number>()),
      lostByExporter: new Map(),
    };
    this.#streams.forEach((stream, exporter) => {
      const end = firstFrom(stream.sentMs, toMs);
      const packets = { stream, exporter };
      for (let i = firstFrom(stream.sentMs, fromMs); i < end; i++) addPacket(sums, packets, i);
    });
    const [first, second] = sums.exportersByWay;
    sums.wanderers = [...(first ?? [])].filter((exporter) => second?.has(exporter)).length;
    return sums;
  }

  #stream(exporter: number): Stream {
    const stream = this.#streams[exporter];
    if (stream === undefined) throw new Error(`there is no exporter ${exporter}`);
    return stream;
  }
}

function addPacket(
  sums: Sums,
  { stream, exporter }: { stream: Stream; exporter: number },
  sequence: number,
): void {
  const sentMs = stream.sentMs[sequence] ?? 0;
  const arrivedMs = stream.arrivedMs[sequence];
  const tookMs = arrivedMs === undefined ? Number.POSITIVE_INFINITY : arrivedMs - sentMs;
  sums.sent++;
  if (stream.duplicates.has(sequence)) sums.duplicated++;
  if (tookMs > LATE_MS) {
    sums.firstBadMs = Math.min(sums.firstBadMs ?? sentMs, sentMs);
    sums.lastBadMs = Math.max(sums.lastBadMs ?? sentMs, sentMs);
  }
  if (arrivedMs === undefined) {
    sums.lost++;
    sums.lostByExporter.set(exporter, (sums.lostByExporter.get(exporter) ?? 0) + 1);
    return;
  }
  if (tookMs > LATE_MS) sums.late++;
  sums.longestMs = Math.max(sums.longestMs, tookMs);
  const way = stream.ways[sequence] ?? 0;
  sums.byWay[way - 1] = (sums.byWay[way - 1] ?? 0) + 1;
  sums.exportersByWay[way - 1]?.add(exporter);
}

/** Index of the first time that is not before `fromMs`; times grow. */
function firstFrom(times: readonly number[], fromMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < fromMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

import { PROTOCOL_WORD, type ProtocolCounts } from './counters.ts';
import { COUNTS, SequenceCounting } from './sequence-counting.ts';

/** Gaps that may still be filled by datagrams that come late. */
const OPEN_GAPS = 8;
/** After so many datagrams more, what a gap misses is lost. */
const GAP_DATAGRAMS = 32;
/** So many late ones in a row, and the exporter has begun anew. */
const LATE_IN_A_ROW = 32;
/** An exporter that says the same number so often in a row does not count. */
const STILL = 4;
/** An uptime that is so much less than before is a restart: milliseconds. */
const UPTIME_BACK_MS = 60_000;
/** What can be lost at once, and for each second of silence: a jump by more is a restart, not a loss. */
const PLAUSIBLE = 100_000;

interface Gap {
  readonly from: number;
  missing: number;
  datagrams: number;
}

/** What a datagram says of its place among those of its session. */
export interface Numbered {
  readonly sequence: number;
  /** Milliseconds; 0 where the protocol has none. */
  readonly sysUptime: number;
  readonly receivedMs: number;
}

/**
 * Watches the sequence numbers of one session. A gap counts as lost once it is clear that no late datagram fills it;
 * numbers that jump back or impossibly far ahead are a restart.
 */
export class SequenceWatch {
  readonly #counting: SequenceCounting;
  /** The next one; -1 when it is not known. */
  #expected = -1;
  #last = -1;
  #lastRecords = -1;
  #lastMs = 0;
  #uptime = 0;
  #lateInARow = 0;
  #still = 0;
  #gaps: Gap[] | undefined;

  constructor(version: 5 | 9 | 10) {
    this.#counting = new SequenceCounting(version === 9 ? COUNTS.datagrams : COUNTS.recordsBefore);
  }

  /** @param records data records of the datagram; -1 when it is not known how many (their template is missing) */
  see(counts: ProtocolCounts, numbered: Numbered, records: number): void {
    const { sequence } = numbered;
    const step = (sequence - this.#last) | 0;
    if (this.#last >= 0 && this.#counting.see(step, this.#lastRecords, records)) {
      // What looked like gaps were none.
      this.#gaps = undefined;
      this.#expected = -1;
    }
    this.#still = step === 0 && this.#last >= 0 ? this.#still + 1 : 0;
    if (this.#still >= STILL) {
      this.#goOn(sequence);
    } else if (this.#counting.counts !== COUNTS.recordsWith) {
      const units = this.#counting.counts === COUNTS.datagrams ? 1 : records;
      this.#place(counts, numbered, sequence, units < 0 ? -1 : (sequence + units) >>> 0);
    } else if (records < 0) this.#goOn(sequence);
    else this.#place(counts, numbered, (sequence - records) >>> 0, sequence);
    if (this.#gaps !== undefined) this.#age(counts);
    this.#last = sequence;
    this.#lastRecords = records;
    this.#uptime = numbered.sysUptime;
    this.#lastMs = numbered.receivedMs;
  }

  /** Counts what is still open as lost: the session ends. */
  close(counts: ProtocolCounts): void {
    for (const gap of this.#gaps ?? []) lose(gap, counts);
    this.#gaps = undefined;
  }

  /** @param start of what the datagram brings @param next what comes after it; -1 when that is not known */
  #place(counts: ProtocolCounts, numbered: Numbered, start: number, next: number): void {
    if (this.#expected < 0 || start === this.#expected) this.#goOn(next);
    else this.#differs(counts, numbered, start, next);
  }

  #differs(
    counts: ProtocolCounts,
    { sysUptime, receivedMs }: Numbered,
    start: number,
    next: number,
  ): void {
    const ahead = (start - this.#expected) | 0;
    const plausible = PLAUSIBLE * (1 + Math.max(0, receivedMs - this.#lastMs) / 1000);
    const back = this.#uptime - sysUptime;
    const hasBegunAnew = back > UPTIME_BACK_MS && back < 2 ** 32 - UPTIME_BACK_MS;
    if (hasBegunAnew || Math.abs(ahead) > plausible || this.#lateInARow === LATE_IN_A_ROW) {
      counts.add('restarts');
      this.close(counts);
      this.#goOn(next);
    } else if (ahead > 0) {
      this.#open(counts, { from: this.#expected, missing: ahead, datagrams: 0 });
      this.#goOn(next);
    } else {
      counts.bump(PROTOCOL_WORD.outOfOrder, 1);
      this.#lateInARow++;
      this.#fill(start, next < 0 ? 1 : (next - start) >>> 0);
    }
  }

  #goOn(next: number): void {
    this.#expected = next;
    this.#lateInARow = 0;
  }

  #open(counts: ProtocolCounts, gap: Gap): void {
    this.#gaps ??= [];
    this.#gaps.push(gap);
    if (this.#gaps.length > OPEN_GAPS) lose(this.#gaps.shift(), counts);
  }

  #fill(start: number, units: number): void {
    const gap = this.#gaps?.find(({ from, missing }) => (start - from) >>> 0 < missing);
    if (gap !== undefined) gap.missing = Math.max(0, gap.missing - units);
  }

  #age(counts: ProtocolCounts): void {
    const gaps = this.#gaps ?? [];
    for (const gap of gaps) gap.datagrams++;
    while ((gaps[0]?.datagrams ?? 0) > GAP_DATAGRAMS) lose(gaps.shift(), counts);
    if (gaps.length === 0) this.#gaps = undefined;
  }
}

function lose(gap: Gap | undefined, counts: ProtocolCounts): void {
  if (gap === undefined || gap.missing === 0) return;
  counts.add('sequenceGaps');
  counts.add('lostBeforeUs', gap.missing);
}

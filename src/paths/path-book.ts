import type { Octets } from '../model/address.ts';
import type { RowRuns } from './row-runs.ts';

/** An address that tables of rules ask for, and its row of the path table. */
export interface BookedPath {
  readonly index: number;
  /** 4 or 16 bytes. */
  readonly octets: Octets;
}

interface Entry extends BookedPath {
  /** The round in which a table has asked for it last. */
  round: number;
}

/** So many more addresses than there were when a table was made anew, and twice as many, are crowded. */
const CROWDED = 1024;

/**
 * Which row of the path table is which address's. An address keeps its row as long as packets may be moved by a table
 * that names it: until a table that was made anew, without it, is in force.
 */
export class PathBook {
  readonly #rows: RowRuns;
  readonly #entries = new Map<string, Entry>();
  #onChange: (gone: readonly BookedPath[]) => void = () => undefined;
  /** Grows with each table that is made anew. */
  #round = 0;
  /** The last of these that is in force, and how many addresses it asked for. */
  #settledRound = 0;
  #settled = 0;

  constructor(rows: RowRuns) {
    this.#rows = rows;
  }

  /** @param onChange is told when an address has come, or some have gone: their rows are free then */
  listen(onChange: (gone: readonly BookedPath[]) => void): void {
    this.#onChange = onChange;
  }

  get paths(): Iterable<BookedPath> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Of an address that tables have asked for. */
  find(octets: Octets): BookedPath | undefined {
    return this.#entries.get(keyOf(octets));
  }

  /** @returns 0 when all rows are taken */
  indexOf(octets: Octets): number {
    const key = keyOf(octets);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.round = this.#round;
      return known.index;
    }
    const index = this.#rows.take(1);
    if (index === undefined) return 0;
    this.#entries.set(key, { index, octets, round: this.#round });
    this.#onChange([]);
    return index;
  }

  get isCrowded(): boolean {
    return this.#entries.size > 2 * this.#settled + CROWDED;
  }

  renew(): void {
    this.#round++;
  }

  settle(): void {
    // An edit of the table that is in force: what it asks for no more is not known.
    if (this.#settledRound === this.#round) return;
    this.#settledRound = this.#round;
    const gone: Entry[] = [];
    for (const [key, entry] of this.#entries) {
      if (entry.round === this.#round) continue;
      this.#entries.delete(key);
      gone.push(entry);
    }
    this.#settled = this.#entries.size;
    if (gone.length > 0) this.#onChange(gone);
    for (const { index } of gone) this.#rows.release(index, 1);
  }
}

function keyOf(octets: Octets): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
}

import { type Counters, type LeftOut, sumCounters } from '../../model/statistics.ts';
import type { Notes } from '../../native/notes.ts';
import type { CounterMemory } from './counter-memory.ts';

/** The counters of all that moves packets: a column for each, which it alone writes, and their sums. */
export class CounterColumns {
  readonly #columns: CounterMemory[] = [];

  add(column: CounterMemory): void {
    this.#columns.push(column);
  }

  /** What each has noted. */
  notes(): readonly Notes[] {
    return this.#columns.map(({ notes }) => notes);
  }

  sum(slot: number): Counters {
    return sumCounters(this.#columns.map((column) => column.slot(slot)));
  }

  /** What the output with this state left out. */
  leftOut(state: number): LeftOut {
    const all = this.#columns.map((column) => column.leftOut(state));
    return {
      sampled: sumCounters(all.map(({ sampled }) => sampled)),
      filtered: sumCounters(all.map(({ filtered }) => filtered)),
    };
  }

  /** Only for slots to which nobody writes. */
  clear(slot: number): void {
    for (const column of this.#columns) column.clearSlot(slot);
  }

  /** Only for states that nobody uses. */
  clearState(state: number, hasLeftOut: boolean): void {
    for (const column of this.#columns) column.clearState(state, hasLeftOut);
  }

  close(): void {
    for (const column of this.#columns) column.close();
  }
}

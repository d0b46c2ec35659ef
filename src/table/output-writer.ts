import type { Output } from '../model/rules.ts';
import type { AssignedOutputs, OutputSlots } from './assigned.ts';
import { type Filters, NO_ROOM } from './filters.ts';
import { COLLECTOR, HEADER, OUTPUT, RULE, TABLE } from './layout.ts';
import type { Leaves } from './leaves.ts';
import { type Destinations, type OutputRows, outputRows } from './rows.ts';
import type { Runs } from './runs.ts';
import type { TouchedWords } from './touched-words.ts';

/** What the word of a rule has besides its outputs. */
const LISTENING_PORT = -1 << TABLE.RULE_LISTENING_SHIFT;

/** The rows of prefixes, outputs, collectors, ways to leave and filters that are in use. */
export interface TableRows {
  /** But for the first row, which is none. */
  readonly prefixes: Runs;
  readonly outputs: Runs;
  readonly collectors: Runs;
  readonly leaves: Leaves;
  readonly filters: Filters;
}

/** Writes the outputs of rules into one copy of a table. */
export class OutputWriter {
  readonly #words: Int32Array;
  readonly #rows: TableRows;
  readonly #destinations: Destinations;
  readonly #touched: TouchedWords | undefined;
  readonly #outputsAt: number;
  readonly #collectorsAt: number;
  /** Many rules have the same outputs. */
  readonly #made = new Map<readonly Output[], readonly OutputRows[]>();

  /**
   * @param words with a header that says where outputs and collectors are
   * @param touched is told what is written of them
   */
  constructor(
    words: Int32Array,
    rows: TableRows,
    destinations: Destinations,
    touched?: TouchedWords,
  ) {
    this.#words = words;
    this.#rows = rows;
    this.#destinations = destinations;
    this.#touched = touched;
    this.#outputsAt = words[HEADER.OUTPUTS] as number;
    this.#collectorsAt = words[HEADER.COLLECTORS] as number;
  }

  /**
   * Writes outputs, and where they are into the row of their rule.
   *
   * @param rule where the row begins in words of any array
   * @param isDefault they are the default outputs
   * @returns false when there is no room
   */
  write(
    { outputs, slots }: AssignedOutputs,
    row: Int32Array,
    rule: number,
    isDefault = false,
  ): boolean {
    const first = this.#rows.outputs.take(outputs.length);
    if (first < 0) return false;
    row[rule + RULE.INPUT_SLOT] = slots.input;
    row[rule + RULE.FIRST_OUTPUT] = first;
    row[rule + RULE.OUTPUTS] =
      outputs.length | ((row[rule + RULE.OUTPUTS] as number) & LISTENING_PORT);
    for (const [i, rows] of this.#rowsOf(outputs, isDefault).entries()) {
      if (!this.#writeOutput(first + i, rows, slots.outputs[i] as OutputSlots)) return false;
    }
    return true;
  }

  /** Gives back what the outputs of a rule took. */
  release(rule: number): void {
    const words = this.#words;
    const first = words[rule + RULE.FIRST_OUTPUT] as number;
    const count = (words[rule + RULE.OUTPUTS] as number) & TABLE.RULE_OUTPUTS;
    for (let output = first; output < first + count; output++) {
      const at = this.#outputsAt + output * OUTPUT.WORDS;
      const collectors = words[at + OUTPUT.COLLECTORS] as number;
      const firstCollector = words[at + OUTPUT.FIRST_COLLECTOR] as number;
      this.#releaseLeaves(firstCollector, collectors);
      this.#rows.collectors.release(firstCollector, collectors);
      const filter = words[at + OUTPUT.FILTER] as number;
      if (filter !== 0) this.#rows.filters.release(filter);
    }
    this.#rows.outputs.release(first, count);
  }

  #releaseLeaves(first: number, collectors: number): void {
    if (this.#rows.leaves.used === 0) return;
    for (let collector = first; collector < first + collectors; collector++) {
      const at = this.#collectorsAt + collector * COLLECTOR.WORDS + COLLECTOR.LEAVE;
      this.#rows.leaves.release(this.#words[at] as number);
    }
  }

  /** @param at of the first collector @returns false when there is no room */
  #writeLeaves(rows: readonly (Int32Array | undefined)[], at: number): boolean {
    const words = this.#words;
    for (const [i, row] of rows.entries()) {
      if (row === undefined) continue;
      const leave = this.#rows.leaves.take(row, words, this.#touched);
      if (leave === undefined) return false;
      words[at + i * COLLECTOR.WORDS + COLLECTOR.LEAVE] = leave;
    }
    return true;
  }

  #writeOutput(index: number, rows: OutputRows, slots: OutputSlots): boolean {
    const { output, collectors, leaves, order, filter } = rows;
    const words = this.#words;
    const first = this.#rows.collectors.take(order.length);
    const filterIndex = filter && this.#rows.filters.take(filter, words, this.#touched);
    if (first < 0 || filterIndex === NO_ROOM) return false;
    const from = this.#collectorsAt + first * COLLECTOR.WORDS;
    words.set(collectors, from);
    for (const [i, collector] of order.entries()) {
      const slot = slots.collectors[collector] as number;
      words[from + i * COLLECTOR.WORDS + COLLECTOR.OUTPUT_SLOT] = slot;
    }
    if (leaves !== undefined && !this.#writeLeaves(leaves, from)) return false;
    this.#touched?.add(from, order.length * COLLECTOR.WORDS);
    const at = this.#outputsAt + index * OUTPUT.WORDS;
    words.set(output, at);
    words[at + OUTPUT.FIRST_COLLECTOR] = first;
    words[at + OUTPUT.STATE] = slots.state;
    if (filterIndex !== undefined) words[at + OUTPUT.FILTER] = filterIndex;
    this.#touched?.add(at, OUTPUT.WORDS);
    return true;
  }

  #rowsOf(outputs: readonly Output[], isDefault: boolean): readonly OutputRows[] {
    const made = isDefault ? undefined : this.#made.get(outputs);
    if (made !== undefined) return made;
    const rows = outputs.map((output) => outputRows(output, this.#destinations, isDefault));
    if (!isDefault) this.#made.set(outputs, rows);
    return rows;
  }
}

import type { AssignedOutputs, OutputSlots } from './assigned.ts';
import { COLLECTORS_A_PART, collectorsBehind, OUTPUTS_A_PART, partsFor } from './blocks.ts';
import { type Filters, NO_ROOM } from './filters.ts';
import { COLLECTOR, HEADER, OUTPUT, RULE, TABLE } from './layout.ts';
import type { Leaves } from './leaves.ts';
import { countCollectors, type MadeRows } from './made-rows.ts';
import type { OutputRows } from './rows.ts';
import type { Runs } from './runs.ts';
import type { TouchedWords } from './touched-words.ts';

/** What the word of a rule has besides its outputs. */
const LISTENING_PORT = -1 << TABLE.RULE_LISTENING_SHIFT;

/** What is in use: rows of prefixes, parts of blocks of outputs and collectors, ways to leave, filters. */
export interface TableRows {
  /** But for the first row, which is none. */
  readonly prefixes: Runs;
  readonly blocks: Runs;
  readonly leaves: Leaves;
  readonly filters: Filters;
}

/** Writes the outputs of rules into one copy of a table. */
export class OutputWriter {
  readonly #words: Int32Array;
  readonly #rows: TableRows;
  readonly #made: MadeRows;
  readonly #touched: TouchedWords | undefined;
  readonly #outputsAt: number;
  readonly #collectorsAt: number;

  /**
   * @param words with a header that says where outputs and collectors are
   * @param touched is told what is written of them
   */
  constructor(words: Int32Array, rows: TableRows, made: MadeRows, touched?: TouchedWords) {
    this.#words = words;
    this.#rows = rows;
    this.#made = made;
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
    const made = this.#made.of(outputs, isDefault);
    const part = this.#rows.blocks.take(partsFor(outputs.length, countCollectors(made)));
    if (part < 0) return false;
    const first = part * OUTPUTS_A_PART;
    row[rule + RULE.INPUT_SLOT] = slots.input;
    row[rule + RULE.FIRST_OUTPUT] = first;
    row[rule + RULE.OUTPUTS] =
      outputs.length | ((row[rule + RULE.OUTPUTS] as number) & LISTENING_PORT);
    let collector = part * COLLECTORS_A_PART + collectorsBehind(outputs.length);
    for (const [i, rows] of made.entries()) {
      if (!this.#writeOutput(first + i, collector, rows, slots.outputs[i] as OutputSlots))
        return false;
      collector += rows.order.length;
    }
    return true;
  }

  /** Gives back what the outputs of a rule took. */
  release(rule: number): void {
    const words = this.#words;
    const first = words[rule + RULE.FIRST_OUTPUT] as number;
    const count = (words[rule + RULE.OUTPUTS] as number) & TABLE.RULE_OUTPUTS;
    let allCollectors = 0;
    for (let output = first; output < first + count; output++) {
      const at = this.#outputsAt + output * OUTPUT.WORDS;
      const collectors = words[at + OUTPUT.COLLECTORS] as number;
      this.#releaseLeaves(words[at + OUTPUT.FIRST_COLLECTOR] as number, collectors);
      allCollectors += collectors;
      const filter = words[at + OUTPUT.FILTER] as number;
      if (filter !== 0) this.#rows.filters.release(filter);
    }
    this.#rows.blocks.release(first / OUTPUTS_A_PART, partsFor(count, allCollectors));
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

  /** @param index of its row @param first of its collectors @returns false when there is no room */
  #writeOutput(index: number, first: number, rows: OutputRows, slots: OutputSlots): boolean {
    const { output, collectors, leaves, order, filter } = rows;
    const words = this.#words;
    const filterIndex = filter && this.#rows.filters.take(filter, words, this.#touched);
    if (filterIndex === NO_ROOM) return false;
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
}

import { Buckets, copyRow } from './buckets.ts';
import { RULE } from './layout.ts';
import { PrefixTree } from './prefix-tree.ts';
import { countHashed, isHashedRow, isPrefixRow } from './rule-kind.ts';
import type { Runs } from './runs.ts';
import type { TouchedWords } from './touched-words.ts';

/** Where the rules of a table that is edited are: in its hash table, or beside their prefixes. */
export class RulePlaces {
  readonly #words: Int32Array;
  readonly #touched: TouchedWords;
  readonly #buckets: Buckets;
  readonly #tree: PrefixTree;

  /** @param nodes indexes of prefixes in use */
  constructor(words: Int32Array, nodes: Runs, touched: TouchedWords) {
    this.#words = words;
    this.#touched = touched;
    this.#buckets = new Buckets(words, touched);
    this.#tree = new PrefixTree(words, nodes, touched);
  }

  /** Where the rule of exactly the exporter of a row is, or 0. */
  find(row: Int32Array): number {
    return isHashedRow(row, 0) ? this.#buckets.find(row) : this.#tree.find(row, 0);
  }

  /** Adds a rule whose exporter has none. @returns false when there is no room */
  insert(row: Int32Array): boolean {
    const isHashed = isHashedRow(row, 0);
    if (isPrefixRow(row, 0)) {
      const place = this.#tree.add(row, 0, isHashed);
      if (place === 0) return false;
      if (!isHashed) {
        copyRow(row, 0, this.#words, place);
        this.#touched.add(place, RULE.WORDS);
        return true;
      }
    }
    countHashed(this.#words, row, 0, 1);
    return this.#buckets.insert(row, 0);
  }

  /** Takes out the rule that is there. @param row of its exporter */
  remove(row: Int32Array, rule: number): void {
    const isHashed = isHashedRow(row, 0);
    if (isPrefixRow(row, 0)) this.#tree.remove(row, 0, isHashed);
    if (!isHashed) return;
    this.#buckets.remove(rule);
    countHashed(this.#words, row, 0, -1);
  }
}

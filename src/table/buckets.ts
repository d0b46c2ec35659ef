/**
 * Writes the hash table of a forwarding table (native/include/table.h). Rules that are further from where
 * their hash wants them go first (Robin Hood hashing), which keeps the longest probe short: at half load
 * some 12 buckets for a million rules. What is taken out leaves no gap: those behind it move up.
 */
import { ExporterHash } from './hash.ts';
import { HEADER, RULE, TABLE } from './layout.ts';
import { isPrefixRow, listeningPort, namesPort } from './rule-kind.ts';
import type { TouchedWords } from './touched-words.ts';

export class Buckets {
  readonly #words: Int32Array;
  readonly #touched: TouchedWords | undefined;
  readonly #hash: ExporterHash;
  readonly #hashShift: number;
  /** The rule that waits for a place. */
  readonly #carried = new Int32Array(RULE.WORDS);
  readonly #swapped = new Int32Array(RULE.WORDS);

  /**
   * @param words with a header that says where buckets are, and the key
   * @param touched is told what is written
   */
  constructor(words: Int32Array, touched?: TouchedWords) {
    this.#words = words;
    this.#touched = touched;
    this.#hash = new ExporterHash(words);
    this.#hashShift = words[HEADER.HASH_SHIFT] as number;
  }

  /**
   * Adds a rule whose exporter has none.
   *
   * @param rows structs table_rule, of which the one that begins at a word is meant
   * @returns false when a rule would be too far from its place: then the table has to be made anew
   */
  insert(rows: Int32Array, row: number): boolean {
    const words = this.#words;
    copyRow(rows, row, this.#carried, 0);
    if (namesPort(rows, row) && !isPrefixRow(rows, row)) this.#markPort(rows, row);
    let at = this.#home(this.#carried, 0);
    for (let distance = 0; distance <= TABLE.PROBE_MAX; distance++, at += RULE.WORDS) {
      if ((words[at + RULE.PORT] as number) === 0) {
        this.#put(at, distance);
        return true;
      }
      const other = (at - this.#home(words, at)) / RULE.WORDS;
      if (other >= distance) continue;
      copyRow(words, at, this.#swapped, 0);
      this.#put(at, distance);
      copyRow(this.#swapped, 0, this.#carried, 0);
      distance = other;
    }
    return false;
  }

  /** Where the rule of exactly this exporter is, or 0. */
  find(row: Int32Array): number {
    let at = this.#home(row, 0);
    for (let left = this.#words[HEADER.LONGEST_PROBE] as number; left >= 0; left--) {
      if (isSameExporter(this.#words, at, row)) return at;
      at += RULE.WORDS;
    }
    return 0;
  }

  /** Takes out the rule that is there. */
  remove(rule: number): void {
    const words = this.#words;
    let hole = rule;
    let next = rule + RULE.WORDS;
    // Behind the last bucket is the default rule, whose port is 0.
    while (words[next + RULE.PORT] !== 0 && this.#home(words, next) < next) {
      words.copyWithin(hole, next, next + RULE.WORDS);
      hole = next;
      next += RULE.WORDS;
    }
    words.fill(0, hole, hole + RULE.WORDS);
    this.#touched?.add(rule, hole + RULE.WORDS - rule);
  }

  #put(at: number, distance: number): void {
    const words = this.#words;
    copyRow(this.#carried, 0, words, at);
    this.#touched?.add(at, RULE.WORDS);
    if (distance > (words[HEADER.LONGEST_PROBE] as number)) words[HEADER.LONGEST_PROBE] = distance;
  }

  /** Has look-ups look for rules of this address that name a port. */
  #markPort(rows: Int32Array, at: number): void {
    const bit = this.#hashOfAddress(rows, at) >>> TABLE.PORT_FILTER_SHIFT;
    this.#words[HEADER.PORT_FILTER] = (this.#words[HEADER.PORT_FILTER] as number) | (1 << bit);
  }

  #hashOfAddress(rows: Int32Array, at: number): number {
    const a0 = rows[at + RULE.ADDRESS] as number;
    const a1 = rows[at + RULE.ADDRESS + 1] as number;
    const a2 = rows[at + RULE.ADDRESS + 2] as number;
    const a3 = rows[at + RULE.ADDRESS + 3] as number;
    return this.#hash.ofAddress(a0, a1, a2, a3);
  }

  /** Where the hash of a rule wants it, in words from the start of the table. */
  #home(rows: Int32Array, at: number): number {
    const port = rows[at + RULE.PORT] as number;
    const ofAddress = this.#hashOfAddress(rows, at);
    const hash = this.#hash.ofRule(ofAddress, port, listeningPort(rows, at));
    return HEADER.WORDS + (hash >>> this.#hashShift) * RULE.WORDS;
  }
}

/** Copies a struct table_rule. */
export function copyRow(from: Int32Array, fromAt: number, to: Int32Array, toAt: number): void {
  for (let i = 0; i < RULE.WORDS; i++) to[toAt + i] = from[fromAt + i] as number;
}

function isSameExporter(words: Int32Array, at: number, row: Int32Array): boolean {
  for (let i = 0; i <= RULE.PORT; i++) if (words[at + i] !== row[i]) return false;
  return listeningPort(words, at) === listeningPort(row, 0);
}

/** Look-ups in the hash table of a forwarding table. Its order and hash: native/include/table.h. */
import { ExporterHash } from './hash.ts';
import { HEADER, RULE, TABLE } from './layout.ts';

export class RuleProbe {
  readonly #words: Int32Array;
  readonly #hash: ExporterHash;
  readonly #hashShift: number;
  readonly #longestProbe: number;

  /** @param words of a table */
  constructor(words: Int32Array) {
    this.#words = words;
    this.#hash = new ExporterHash(words);
    this.#hashShift = words[HEADER.HASH_SHIFT] as number;
    this.#longestProbe = words[HEADER.LONGEST_PROBE] as number;
  }

  /** Of an address alone, for at(). */
  hashOf(a0: number, a1: number, a2: number, a3: number): number {
    return this.#hash.ofAddress(a0, a1, a2, a3);
  }

  /** The same as at() of an address, in a table in which no rule names a listening port. */
  plain(hash: number, a0: number, a1: number, a2: number, a3: number, port: number): number {
    const words = this.#words;
    const wanted = port | TABLE.RULE_PRESENT;
    let at = HEADER.WORDS + (this.#hash.withPort(hash, port) >>> this.#hashShift) * RULE.WORDS;
    for (let left = this.#longestProbe; left >= 0; left--) {
      const found = words[at + RULE.PORT] as number;
      if (found === 0) return 0;
      if (
        words[at + RULE.ADDRESS + 3] === a3 &&
        found === wanted &&
        words[at + RULE.ADDRESS + 2] === a2 &&
        words[at + RULE.ADDRESS + 1] === a1 &&
        words[at + RULE.ADDRESS] === a0
      ) {
        return at;
      }
      at += RULE.WORDS;
    }
    return 0;
  }

  /**
   * The rule of exactly these.
   *
   * @param hash of the address
   * @param kind table_rule.port but for the port: TABLE_RULE_PREFIX and the length of a prefix, 0 for an address
   * @returns where it is, or 0
   */
  at(
    hash: number,
    a0: number,
    a1: number,
    a2: number,
    a3: number,
    port: number,
    listening: number,
    kind: number,
  ): number {
    const words = this.#words;
    const wanted = port | TABLE.RULE_PRESENT | kind;
    const whole = this.#hash.ofRule(hash, wanted, listening);
    let at = HEADER.WORDS + (whole >>> this.#hashShift) * RULE.WORDS;
    for (let left = this.#longestProbe; left >= 0; left--) {
      const found = words[at + RULE.PORT] as number;
      if (found === 0) return 0;
      if (
        words[at + RULE.ADDRESS + 3] === a3 &&
        found === wanted &&
        words[at + RULE.ADDRESS + 2] === a2 &&
        words[at + RULE.ADDRESS + 1] === a1 &&
        words[at + RULE.ADDRESS] === a0 &&
        (words[at + RULE.OUTPUTS] as number) >>> TABLE.RULE_LISTENING_SHIFT === listening
      ) {
        return at;
      }
      at += RULE.WORDS;
    }
    return 0;
  }
}

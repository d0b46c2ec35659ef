/** Read access to the compiled form of a rule set. Its layout and look-up: native/include/table.h. */
import { ExporterHash } from './hash.ts';
import { HEADER, RULE, TABLE } from './layout.ts';

/** Read access to a compiled table. Rules are known by where they begin, in words. */
export class ForwardingTable {
  readonly words: Int32Array;
  readonly defaultRule: number;
  /** Where outputs begin, in words; collectors in bytes, as native code wants it. */
  readonly outputsAt: number;
  readonly collectorsAtBytes: number;
  readonly collectorCount: number;
  readonly #hash: ExporterHash;
  readonly #hashShift: number;
  readonly #longestProbe: number;
  readonly #hasPortRules: boolean;
  readonly #hasAddressRules: boolean;

  /** @throws RangeError when the buffer does not hold a table of this layout */
  constructor(buffer: ArrayBuffer) {
    const words = new Int32Array(buffer);
    if (words[HEADER.MAGIC] !== TABLE.MAGIC || words[HEADER.LAYOUT] !== TABLE.LAYOUT) {
      throw new RangeError('not a forwarding table of this layout');
    }
    const header = (index: number) => words[index] ?? 0;
    this.words = words;
    this.defaultRule = header(HEADER.DEFAULT_RULE);
    this.outputsAt = header(HEADER.OUTPUTS);
    this.collectorsAtBytes = header(HEADER.COLLECTORS) * 4;
    this.collectorCount = header(HEADER.COLLECTOR_COUNT);
    this.#hash = new ExporterHash(words);
    this.#hashShift = header(HEADER.HASH_SHIFT);
    this.#longestProbe = header(HEADER.LONGEST_PROBE);
    this.#hasPortRules = header(HEADER.PORT_RULES) > 0;
    this.#hasAddressRules = header(HEADER.ADDRESS_RULES) > 0;
  }

  /** The rule for a packet: address and port, else address alone, else the default (spec R1, R4). */
  find(a0: number, a1: number, a2: number, a3: number, port: number): number {
    const hash = this.#hash.ofAddress(a0, a1, a2, a3);
    let rule = 0;
    if (this.#hasPortRules && port !== 0) {
      rule = this.#probe(this.#hash.withPort(hash, port), a0, a1, a2, a3, port);
    }
    if (rule === 0 && this.#hasAddressRules) rule = this.#probe(hash, a0, a1, a2, a3, 0);
    return rule === 0 ? this.defaultRule : rule;
  }

  /** @returns the rule, or 0 */
  #probe(hash: number, a0: number, a1: number, a2: number, a3: number, port: number): number {
    const words = this.words;
    const wanted = port | TABLE.RULE_PRESENT;
    let at = HEADER.WORDS + (hash >>> this.#hashShift) * RULE.WORDS;
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
}

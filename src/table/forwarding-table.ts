/** Read access to the compiled form of a rule set. Its layout: native/include/table.h. */
import { HEADER, RULE, TABLE } from './layout.ts';

/** Read access to a compiled table. Rules are known by where they begin, in words. */
export class ForwardingTable {
  readonly words: Int32Array;
  readonly defaultRule: number;
  /** Where outputs begin, in words; collectors in bytes, as native code wants it. */
  readonly outputsAt: number;
  readonly collectorsAtBytes: number;
  readonly collectorCount: number;
  readonly #seed: number;
  readonly #bucketMask: number;
  readonly #hasPortRules: boolean;
  readonly #hasAddressRules: boolean;

  /** @throws RangeError when the buffer does not hold a table */
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
    this.#seed = header(HEADER.KEY);
    this.#bucketMask = header(HEADER.BUCKET_MASK);
    this.#hasPortRules = (header(HEADER.FLAGS) & TABLE.HAS_PORT_RULES) !== 0;
    this.#hasAddressRules = (header(HEADER.FLAGS) & TABLE.HAS_ADDRESS_RULES) !== 0;
  }

  /** The rule for a packet: address and port, else address alone, else the default (spec R1, R4). */
  find(a0: number, a1: number, a2: number, a3: number, port: number): number {
    let rule = 0;
    if (this.#hasPortRules && port !== 0) rule = this.#probe(a0, a1, a2, a3, port);
    if (rule === 0 && this.#hasAddressRules) rule = this.#probe(a0, a1, a2, a3, 0);
    return rule === 0 ? this.defaultRule : rule;
  }

  /** @returns the rule, or 0 */
  #probe(a0: number, a1: number, a2: number, a3: number, port: number): number {
    const words = this.words;
    const mask = this.#bucketMask;
    const wanted = port | TABLE.RULE_PRESENT;
    let bucket = hashEndpoint(this.#seed, a0, a1, a2, a3, port) & mask;
    for (;;) {
      const at = HEADER.WORDS + bucket * RULE.WORDS;
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
      bucket = (bucket + 1) & mask;
    }
  }
}

/** Multiply and xor-shift over the five words; the seed keeps others from choosing collisions. */
export function hashEndpoint(
  seed: number,
  a0: number,
  a1: number,
  a2: number,
  a3: number,
  port: number,
): number {
  let hash = Math.imul(seed ^ a0, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ a1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ a2, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16) ^ a3, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 15) ^ port, 0x165667b1);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * The compiled form of a rule set: one flat buffer of 32-bit words that forwarders read in shared memory.
 *
 * ```
 * header      16 words, see HEADER
 * buckets     8 words each: exporter address (4), port, rule index + 1, 2 unused; all zero = empty
 * rules       4 words each: first output, number of outputs, input slot, unused
 * outputs     4 words each: first collector, collectors, IPv6 collectors, rotation slot
 * collectors  8 words each: struct pio_collector (native/include/pio.h)
 * ```
 *
 * Addresses are 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`, read as words in host order (signed
 * ones, which V8 never boxes). The
 * buckets are a hash table with linear probing, at most half full. The last rule is the default. The IPv6
 * collectors of an output come first, so that the collectors for IPv6 packets are a prefix of them.
 */
export const HEADER_WORDS = 16;
export const BUCKET_WORDS = 8;
export const RULE_WORDS = 4;
export const OUTPUT_WORDS = 4;
export const COLLECTOR_WORDS = 8;

export const TABLE_MAGIC = 0x464c_5831; // "FLX1"

/** Word indexes of the header; offsets in it are in words from the start of the buffer. */
export const HEADER = {
  MAGIC: 0,
  SEED: 1,
  BUCKET_MASK: 2,
  BUCKETS: 3,
  RULES: 4,
  RULE_COUNT: 5,
  OUTPUTS: 6,
  COLLECTORS: 7,
  COLLECTOR_COUNT: 8,
  HAS_ADDRESS_RULES: 9,
} as const;

/** Read access to a compiled table. */
export class ForwardingTable {
  readonly words: Int32Array;
  /** Index of the default rule. */
  readonly defaultRule: number;
  /** Where rules and outputs begin, in words; collectors in bytes, as native code wants it. */
  readonly rulesAt: number;
  readonly outputsAt: number;
  readonly collectorsAtBytes: number;
  readonly collectorCount: number;
  readonly #seed: number;
  readonly #bucketMask: number;
  readonly #bucketsAt: number;
  readonly #hasAddressRules: boolean;

  /** @throws RangeError when the buffer does not hold a table */
  constructor(buffer: ArrayBuffer) {
    const words = new Int32Array(buffer);
    if (words[HEADER.MAGIC] !== TABLE_MAGIC) throw new RangeError('not a forwarding table');
    const header = (index: number) => words[index] ?? 0;
    this.words = words;
    this.defaultRule = header(HEADER.RULE_COUNT) - 1;
    this.rulesAt = header(HEADER.RULES);
    this.outputsAt = header(HEADER.OUTPUTS);
    this.collectorsAtBytes = header(HEADER.COLLECTORS) * 4;
    this.collectorCount = header(HEADER.COLLECTOR_COUNT);
    this.#seed = header(HEADER.SEED);
    this.#bucketMask = header(HEADER.BUCKET_MASK);
    this.#bucketsAt = header(HEADER.BUCKETS);
    this.#hasAddressRules = header(HEADER.HAS_ADDRESS_RULES) === 1;
  }

  /** The rule for a packet: address and port, else address alone, else the default (spec R1, R4). */
  find(a0: number, a1: number, a2: number, a3: number, port: number): number {
    let rule = this.#probe(a0, a1, a2, a3, port);
    if (rule < 0 && this.#hasAddressRules && port !== 0) rule = this.#probe(a0, a1, a2, a3, 0);
    return rule < 0 ? this.defaultRule : rule;
  }

  /** @returns the rule index, or -1 */
  #probe(a0: number, a1: number, a2: number, a3: number, port: number): number {
    const words = this.words;
    const mask = this.#bucketMask;
    let bucket = hashEndpoint(this.#seed, a0, a1, a2, a3, port) & mask;
    for (;;) {
      const at = this.#bucketsAt + bucket * BUCKET_WORDS;
      const found = words[at + 5] as number;
      if (found === 0) return -1;
      if (
        words[at + 3] === a3 &&
        words[at + 4] === port &&
        words[at + 2] === a2 &&
        words[at + 1] === a1 &&
        words[at] === a0
      ) {
        return found - 1;
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

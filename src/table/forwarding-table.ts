/**
 * The compiled form of a rule set: one flat buffer of 32-bit words that forwarders read in shared memory.
 *
 * ```
 * header      16 words, see HEADER
 * rules       8 words each, see RULE: a hash table by exporter endpoint, then the default
 * outputs     4 words each: first collector, collectors, IPv6 collectors, rotation slot
 * collectors  8 words each: struct pio_collector (native/include/pio.h)
 * ```
 *
 * Addresses are 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`, read as words in host order (signed
 * ones, which V8 never boxes). The hash table has linear probing and is at most half full; a rule is half a
 * cache line and holds all that a packet needs to be counted. The IPv6 collectors of an output come first,
 * so that the collectors for IPv6 packets are a prefix of them.
 */
export const HEADER_WORDS = 16;
export const RULE_WORDS = 8;
export const OUTPUT_WORDS = 4;
export const COLLECTOR_WORDS = 8;

/** Words of a rule. */
export const RULE = {
  /** Four words. */
  ADDRESS: 0,
  /** Source port, 0 for none, with RULE_PRESENT; 0 where there is no rule. */
  PORT: 4,
  INPUT_SLOT: 5,
  FIRST_OUTPUT: 6,
  OUTPUTS: 7,
} as const;

/** In RULE.PORT. */
export const RULE_PRESENT = 0x1_0000;

/** In the reserved byte of a collector: it has no port of its own, the listening port was filled in. */
export const COLLECTOR_FLAG_LISTEN_PORT = 1;

export const TABLE_MAGIC = 0x464c_5831; // "FLX1"

/** Word indexes of the header; offsets in it are in words from the start of the buffer. */
export const HEADER = {
  MAGIC: 0,
  SEED: 1,
  BUCKET_MASK: 2,
  DEFAULT_RULE: 3,
  OUTPUTS: 4,
  COLLECTORS: 5,
  COLLECTOR_COUNT: 6,
  HAS_PORT_RULES: 7,
  HAS_ADDRESS_RULES: 8,
} as const;

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
    if (words[HEADER.MAGIC] !== TABLE_MAGIC) throw new RangeError('not a forwarding table');
    const header = (index: number) => words[index] ?? 0;
    this.words = words;
    this.defaultRule = header(HEADER.DEFAULT_RULE);
    this.outputsAt = header(HEADER.OUTPUTS);
    this.collectorsAtBytes = header(HEADER.COLLECTORS) * 4;
    this.collectorCount = header(HEADER.COLLECTOR_COUNT);
    this.#seed = header(HEADER.SEED);
    this.#bucketMask = header(HEADER.BUCKET_MASK);
    this.#hasPortRules = header(HEADER.HAS_PORT_RULES) === 1;
    this.#hasAddressRules = header(HEADER.HAS_ADDRESS_RULES) === 1;
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
    const wanted = port | RULE_PRESENT;
    let bucket = hashEndpoint(this.#seed, a0, a1, a2, a3, port) & mask;
    for (;;) {
      const at = HEADER_WORDS + bucket * RULE_WORDS;
      const found = words[at + RULE.PORT] as number;
      if (found === 0) return 0;
      if (
        words[at + 3] === a3 &&
        found === wanted &&
        words[at + 2] === a2 &&
        words[at + 1] === a1 &&
        words[at] === a0
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

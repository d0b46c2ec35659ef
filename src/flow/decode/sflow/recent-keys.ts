import { randomInt } from 'node:crypto';

/** Keys that share a bucket; the one that was used least recently goes when another needs its place. */
const WAYS = 8;

/**
 * A table of fixed size from keys of some words to slots. It never grows: a key that finds its bucket full takes the
 * slot that was used least recently. Strangers who invent keys can push others out, and nothing more; the hash is
 * keyed, so that they cannot choose whom.
 */
export class RecentKeys {
  readonly capacity: number;
  /** Whether the last `slot()` found its key, or gave it a slot that may have been another's. */
  isNew = false;
  readonly #words: number;
  readonly #buckets: number;
  readonly #keys: Uint32Array;
  readonly #used: Float64Array;
  readonly #seed = randomInt(1, 2 ** 31);
  #clock = 0;

  /** @param capacity slots, rounded up to a power of two @param words 32-bit words of a key */
  constructor(capacity: number, words: number) {
    this.#words = words;
    this.#buckets = 2 ** Math.ceil(Math.log2(Math.max(1, capacity / WAYS)));
    this.capacity = this.#buckets * WAYS;
    this.#keys = new Uint32Array(this.capacity * words);
    this.#used = new Float64Array(this.capacity);
  }

  /** The slot of a key: `words` words from the beginning of `key`. */
  slot(key: Uint32Array): number {
    const first = (this.#hash(key) & (this.#buckets - 1)) * WAYS;
    this.#clock++;
    let oldest = first;
    for (let slot = first; slot < first + WAYS; slot++) {
      const used = this.#used[slot] as number;
      if (used !== 0 && this.#isKey(slot, key)) {
        this.#used[slot] = this.#clock;
        this.isNew = false;
        return slot;
      }
      if (used < (this.#used[oldest] as number)) oldest = slot;
    }
    this.#used[oldest] = this.#clock;
    const at = oldest * this.#words;
    for (let word = 0; word < this.#words; word++) this.#keys[at + word] = key[word] as number;
    this.isNew = true;
    return oldest;
  }

  #isKey(slot: number, key: Uint32Array): boolean {
    const at = slot * this.#words;
    for (let word = 0; word < this.#words; word++) {
      if (this.#keys[at + word] !== key[word]) return false;
    }
    return true;
  }

  #hash(key: Uint32Array): number {
    let hash = this.#seed;
    for (let word = 0; word < this.#words; word++) {
      hash = Math.imul(hash ^ (key[word] as number), 0x9e3779b1);
      hash = (hash ^ (hash >>> 15)) >>> 0;
    }
    hash = Math.imul(hash, 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> 0;
  }
}

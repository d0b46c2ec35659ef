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
    const found = this.#find(key, first);
    this.isNew = found < 0;
    const slot = this.isNew ? this.#replace(key, first) : found;
    this.#used[slot] = ++this.#clock;
    return slot;
  }

  #find(key: Uint32Array, first: number): number {
    const keys = this.#keys;
    const words = this.#words;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (keys[slot * words] !== key[0]) continue;
      if (this.#isKey(slot, key) && this.#used[slot] !== 0) return slot;
    }
    return -1;
  }

  #replace(key: Uint32Array, first: number): number {
    let oldest = first;
    for (let slot = first + 1; slot < first + WAYS; slot++) {
      if ((this.#used[slot] as number) < (this.#used[oldest] as number)) oldest = slot;
    }
    const at = oldest * this.#words;
    for (let word = 0; word < this.#words; word++) this.#keys[at + word] = key[word] as number;
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
    let hash: number = this.#seed;
    const words = this.#words;
    for (let word = 0; word < words; word++) {
      hash = Math.imul(hash ^ (key[word] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> 0;
  }
}

import { IS_LITTLE_ENDIAN } from '../../../base/byte-order.ts';

const LOW = IS_LITTLE_ENDIAN ? 0 : 1;
const WORD = 2 ** 32;

/** Counters of 64 bits, written as words: who reads one at any time never sees half of it. */
export class WideCounters {
  readonly #words: Int32Array;
  readonly #whole: BigUint64Array;

  /** @param words that begin at a multiple of 8 bytes, an even number of them */
  constructor(words: Int32Array) {
    this.#words = words;
    this.#whole = new BigUint64Array(words.buffer, words.byteOffset, words.length / 2);
  }

  /**
   * @param at the first word of the counter, an even one
   * @param by less than 2^31
   */
  add(at: number, by: number): void {
    const low = ((this.#words[at + LOW] as number) >>> 0) + by;
    if (low < WORD) this.#words[at + LOW] = low | 0;
    // Both words at once, once in a long time.
    else this.#whole[at / 2] = (this.#whole[at / 2] as bigint) + BigInt(by);
  }
}

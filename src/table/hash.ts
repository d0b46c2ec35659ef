/**
 * The hash of exporters, keyed with random words that nobody outside knows: multilinear hashing of 16-bit
 * halves in pairs (Lemire and Kaser, "Strongly universal string hashing is fast", 2014). Whoever chooses
 * exporters without knowing the key cannot make more of them collide than chance would.
 */
import { randomFillSync } from 'node:crypto';
import { HEADER, TABLE } from './layout.ts';

const HALF = 0xffff;
/** From here on table_rule.port says of which prefix it is. */
const PREFIX_SHIFT = 31 - Math.clz32(TABLE.RULE_PREFIX);

/** One key; the upper bits of a hash are the good ones. */
export class ExporterHash {
  readonly #base: number;
  readonly #a0Low: number;
  readonly #a0High: number;
  readonly #a1Low: number;
  readonly #a1High: number;
  readonly #a2Low: number;
  readonly #a2High: number;
  readonly #a3Low: number;
  readonly #a3High: number;
  readonly #port: number;
  readonly #listening: number;
  readonly #prefix: number;

  /** @param words of a table: its key is in the header */
  constructor(words: Int32Array) {
    const key = (index: number) => words[HEADER.KEY + index] ?? 0;
    this.#base = key(0);
    this.#a0Low = key(1);
    this.#a0High = key(2);
    this.#a1Low = key(3);
    this.#a1High = key(4);
    this.#a2Low = key(5);
    this.#a2High = key(6);
    this.#a3Low = key(7);
    this.#a3High = key(8);
    this.#port = key(9);
    this.#listening = key(10);
    this.#prefix = key(11);
  }

  /** Of an address alone. @returns 32 bits, signed */
  ofAddress(a0: number, a1: number, a2: number, a3: number): number {
    return (
      (this.#base +
        Math.imul((a0 & HALF) + this.#a0Low, (a0 >>> 16) + this.#a0High) +
        Math.imul((a1 & HALF) + this.#a1Low, (a1 >>> 16) + this.#a1High) +
        Math.imul((a2 & HALF) + this.#a2Low, (a2 >>> 16) + this.#a2High) +
        Math.imul((a3 & HALF) + this.#a3Low, (a3 >>> 16) + this.#a3High)) |
      0
    );
  }

  /** Of a rule of an address and a port, or 0. @returns 32 bits, signed */
  withPort(ofAddress: number, port: number): number {
    return (ofAddress + Math.imul(this.#port, port)) | 0;
  }

  /**
   * Of a rule.
   *
   * @param ofAddress of its address
   * @param port table_rule.port
   * @param listening the listening port that it names, or 0
   * @returns 32 bits, signed
   */
  ofRule(ofAddress: number, port: number, listening: number): number {
    return (
      (ofAddress +
        Math.imul(this.#port, port & HALF) +
        Math.imul(this.#listening, listening) +
        Math.imul(this.#prefix, port >>> PREFIX_SHIFT)) |
      0
    );
  }
}

/** Gives a table a new key. */
export function writeRandomKey(words: Int32Array): void {
  randomFillSync(words, HEADER.KEY, TABLE.KEY_WORDS);
}

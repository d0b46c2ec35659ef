import { FloxyError } from '../base/errors.ts';

/** Numbers from 0 to below a limit that are in use or free; the first ones are given out by nobody. */
export class NumberPool {
  readonly #purpose: string;
  readonly #first: number;
  readonly #limit: number;
  readonly #clear: (taken: number) => void;
  #free: number[] = [];
  /** From here on none has been in use. */
  #unused: number;

  /**
   * @param purpose what there is no room for when all are in use, in words
   * @param clear is called with each number that is about to be used
   */
  constructor(purpose: string, first: number, limit: number, clear: (taken: number) => void) {
    this.#purpose = purpose;
    this.#first = first;
    this.#limit = limit;
    this.#clear = clear;
    this.#unused = first;
  }

  /** All that are in use are below this. */
  get end(): number {
    return this.#unused;
  }

  /** @throws FloxyError LIMIT_EXCEEDED when all are in use */
  take(): number {
    const free = this.#free.pop();
    if (free === undefined && this.#unused >= this.#limit) {
      const message = `no room for the ${this.#purpose}: ${this.#limit} places are in use by the old and the new rules together; change them in smaller steps`;
      throw new FloxyError('LIMIT_EXCEEDED', message);
    }
    const taken = free ?? this.#unused++;
    this.#clear(taken);
    return taken;
  }

  release(numbers: readonly number[]): void {
    for (const number of numbers) this.#free.push(number);
  }

  /** These are in use, and all others are free. @throws RangeError, with nothing done, when that cannot be */
  adopt(used: Iterable<number>): void {
    const inUse = new Set<number>();
    let highest = this.#first - 1;
    for (const number of used) {
      if (number < this.#first || number >= this.#limit || inUse.has(number)) {
        throw new RangeError(`${number} cannot be in use, or not twice (${this.#purpose})`);
      }
      inUse.add(number);
      if (number > highest) highest = number;
    }
    this.#unused = highest + 1;
    this.#free = [];
    for (let number = highest; number >= this.#first; number--) {
      if (!inUse.has(number)) this.#free.push(number);
    }
  }
}

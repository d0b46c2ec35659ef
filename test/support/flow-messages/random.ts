/** Numbers that look random, the same for each seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** From `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + (this.u32() % (most - least + 1));
  }

  /** True once in so many times. */
  once(times: number): boolean {
    return this.u32() % times === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.u32() % from.length] as T;
  }

  /** Octets: now and then all zeros or all ones, which are the ends of most ranges. */
  octets(count: number): Uint8Array {
    if (this.once(8)) return new Uint8Array(count).fill(this.pick([0, 255]));
    return Uint8Array.from({ length: count }, () => this.u32() & 0xff);
  }
}

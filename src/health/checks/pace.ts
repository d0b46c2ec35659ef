/** One more a second for each key, after some at once (the generic cell rate algorithm, ITU-T I.371). */
export class Pace {
  readonly #gapMs: number;
  readonly #burst: number;
  /** When the next one is due, by key; what is long past is forgotten. */
  readonly #due = new Map<string, number>();

  /** @param burst so many at once */
  constructor(gapMs: number, burst: number) {
    this.#gapMs = gapMs;
    this.#burst = burst;
  }

  /** @returns how long the next one of this key has to wait, in milliseconds; it counts as one that will come then */
  waitMs(key: string): number {
    const now = performance.now();
    for (const [each, due] of this.#due) {
      if (due > now) break;
      this.#due.delete(each);
    }
    const due = Math.max(this.#due.get(key) ?? 0, now);
    this.#due.delete(key);
    this.#due.set(key, due + this.#gapMs);
    return Math.max(0, due - (this.#burst - 1) * this.#gapMs - now);
  }
}

/** So many a second, and a burst: told by the time that packets carry, so that replayed captures behave as live ones. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #lastMs = 0;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes one, if there is one. A clock that goes back gives none. */
  take(nowMs: number): boolean {
    const passedMs = nowMs - this.#lastMs;
    if (passedMs > 0) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (passedMs / 1000) * this.#perSecond);
    }
    this.#lastMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

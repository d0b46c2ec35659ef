/** Growing delays between attempts, with chance, so that many producers do not come back to a peer at once. */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #nextMs: number;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#nextMs = firstMs;
  }

  /** How long to wait before the next attempt. */
  next(): number {
    const ms = Math.min(this.#nextMs, this.#longestMs);
    this.#nextMs = ms * 2;
    return ms * (1 + Math.random() / 4);
  }

  /** It worked: the next failure begins anew. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

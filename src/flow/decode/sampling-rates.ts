/** Samplers of one session or exporter whose rates are kept. */
const MAX_SAMPLERS = 256;

/** What options have said of samplers: rates by sampler id. */
export class SamplingRates {
  readonly #bySampler = new Map<number, number>();
  /** The rate of all of them; 0 when there is none, or when they differ. */
  #common = 0;

  /** @returns whether that is news */
  learn(samplerId: number, rate: number): boolean {
    const known = this.#bySampler.get(samplerId);
    if (known === rate) return false;
    if (known === undefined && this.#bySampler.size === MAX_SAMPLERS) return false;
    this.#bySampler.set(samplerId, rate);
    const [first, ...others] = this.#bySampler.values();
    this.#common = others.every((other) => other === first) ? (first ?? 0) : 0;
    return true;
  }

  /** The rate of a sampler, else that which all samplers have, else 0. */
  of(samplerId: number): number {
    return this.#bySampler.get(samplerId) ?? this.#common;
  }

  entries(): MapIterator<[number, number]> {
    return this.#bySampler.entries();
  }
}

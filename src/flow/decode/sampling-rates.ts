/** Samplers of one session or exporter whose rates are kept. */
const MAX_SAMPLERS = 256;

/** What options have said of samplers: rates by sampler id. */
export class SamplingRates {
  readonly #bySampler = new Map<number, number>();
  /** The rate of all of them; 0 when they differ; undefined until it is asked for. */
  #common: number | undefined = 0;

  get size(): number {
    return this.#bySampler.size;
  }

  /** Whether a sampler would be one too many. */
  isFullFor(samplerId: number): boolean {
    return this.size >= MAX_SAMPLERS && !this.has(samplerId);
  }

  has(samplerId: number): boolean {
    return this.#bySampler.has(samplerId);
  }

  /** @returns whether that is news */
  learn(samplerId: number, rate: number): boolean {
    if (this.#bySampler.get(samplerId) === rate) return false;
    this.#bySampler.set(samplerId, rate);
    this.#common = undefined;
    return true;
  }

  /** The rate of a sampler, else that which all samplers have, else 0. */
  of(samplerId: number): number {
    return this.#bySampler.get(samplerId) ?? this.#commonRate();
  }

  entries(): MapIterator<[number, number]> {
    return this.#bySampler.entries();
  }

  #commonRate(): number {
    if (this.#common !== undefined) return this.#common;
    const [first = 0, ...others] = this.#bySampler.values();
    this.#common = others.every((other) => other === first) ? first : 0;
    return this.#common;
  }
}

/** Bounds how many connections are open at once. The others wait in the order in which they came. */
export class OpenPlaces {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Runs it when there is a place. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#max) this.#taken++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken--;
      else next();
    }
  }
}

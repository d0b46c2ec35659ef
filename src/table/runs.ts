/** Gives out runs of rows: new ones in order, and those that were given back to whoever wants as many. */
export class Runs {
  readonly capacity: number;
  readonly #free = new Map<number, number[]>();
  #used = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** From here on no row has been in use. */
  get used(): number {
    return this.#used;
  }

  /** @returns the first row, or -1 when there is no room */
  take(rows: number): number {
    if (rows === 0) return 0;
    const free = this.#free.get(rows)?.pop();
    if (free !== undefined) return free;
    const first = this.#used;
    if (first + rows > this.capacity) return -1;
    this.#used += rows;
    return first;
  }

  release(first: number, rows: number): void {
    if (rows === 0) return;
    const free = this.#free.get(rows);
    if (free === undefined) this.#free.set(rows, [first]);
    else free.push(first);
  }
}

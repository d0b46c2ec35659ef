/** Which words of a table were written: runs, each as its first word and its length. */
export class TouchedWords {
  readonly #runs: number[] = [];

  add(first: number, count: number): void {
    this.#runs.push(first, count);
  }

  /** How many words were written; one that was written twice counts twice. */
  get count(): number {
    let count = 0;
    for (let i = 1; i < this.#runs.length; i += 2) count += this.#runs[i] as number;
    return count;
  }

  /** Writes the words of one copy of the table into another. */
  copy(from: Int32Array, to: Int32Array): void {
    for (let i = 0; i < this.#runs.length; i += 2) {
      const first = this.#runs[i] as number;
      to.set(from.subarray(first, first + (this.#runs[i + 1] as number)), first);
    }
  }
}

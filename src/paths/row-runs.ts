import { PATHS } from '../native/paths-layout.ts';
import { Runs } from '../table/runs.ts';

/** Gives out the rows of the path table: single ones to addresses, several in a row to their next hops. */
export class RowRuns {
  // Row 0 is the header.
  readonly #runs = new Runs(PATHS.MAX - 1);
  readonly #onFull: () => void;
  #isFull = false;

  /** @param onFull is told when all are taken, once until some are not */
  constructor(onFull: () => void) {
    this.#onFull = onFull;
  }

  /** @returns index of the first; undefined when there is no room */
  take(rows: number): number | undefined {
    const first = this.#runs.take(rows);
    if (first >= 0) {
      this.#isFull = false;
      return first + 1;
    }
    if (!this.#isFull) this.#onFull();
    this.#isFull = true;
    return undefined;
  }

  release(first: number, rows: number): void {
    this.#runs.release(first - 1, rows);
  }
}

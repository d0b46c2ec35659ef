import type { Output } from '../model/rules.ts';
import { type Destinations, type OutputRows, outputRows } from './rows.ts';

/** Rows of outputs, which are made once: many rules have the same ones. */
export class MadeRows {
  readonly #destinations: Destinations;
  readonly #made = new Map<readonly Output[], readonly OutputRows[]>();

  constructor(destinations: Destinations) {
    this.#destinations = destinations;
  }

  /** @param isDefault they are the default outputs */
  of(outputs: readonly Output[], isDefault: boolean): readonly OutputRows[] {
    const made = isDefault ? undefined : this.#made.get(outputs);
    if (made !== undefined) return made;
    const rows = outputs.map((output) => outputRows(output, this.#destinations, isDefault));
    if (!isDefault) this.#made.set(outputs, rows);
    return rows;
  }
}

/** How many collectors serve in all of them. */
export function countCollectors(rows: readonly OutputRows[]): number {
  return rows.reduce((sum, { order }) => sum + order.length, 0);
}

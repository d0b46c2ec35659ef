export interface SearchRange {
  /** Rates per second; the highest is expected to lie between them. */
  readonly low: number;
  readonly high: number;
  /** Halvings of the range. */
  readonly steps: number;
}

const MAX_RATES_BELOW = 4;

/**
 * Finds the highest rate that passes, by halving the range. When nothing in it passes, goes on below it.
 *
 * @returns a rate that passed, or 0 when none did
 */
export async function findHighestRate(
  passes: (rate: number) => Promise<boolean>,
  { low, high, steps }: SearchRange,
): Promise<number> {
  let highest = 0;
  let from = low;
  let to = high;
  for (let step = 0; step < steps; step++) {
    const rate = Math.round((from + to) / 2);
    if (await passes(rate)) {
      highest = rate;
      from = rate;
    } else {
      to = rate;
    }
  }
  for (let i = 0, rate = low; highest === 0 && i < MAX_RATES_BELOW; i++, rate /= 2) {
    if (await passes(Math.round(rate))) highest = Math.round(rate);
  }
  return highest;
}

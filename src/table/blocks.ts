/**
 * Blocks: the rows of a rule's outputs, and behind them those of all their collectors, in one piece, so that a packet
 * finds in one place of memory what becomes of it. Outputs and collectors are counted from the same word, each by rows of
 * its own size: a block is made of parts in which both have whole rows.
 */
import { COLLECTOR, OUTPUT } from './layout.ts';

/** The least common multiple of both rows. */
export const PART_WORDS =
  (OUTPUT.WORDS * COLLECTOR.WORDS) / commonDivisor(OUTPUT.WORDS, COLLECTOR.WORDS);
/** Rows that a part has room for. */
export const OUTPUTS_A_PART = PART_WORDS / OUTPUT.WORDS;
export const COLLECTORS_A_PART = PART_WORDS / COLLECTOR.WORDS;

/** How many parts a rule needs with so many outputs, and collectors of all of them together. */
export function partsFor(outputs: number, collectors: number): number {
  if (outputs === 0) return 0;
  return Math.ceil((collectorsBehind(outputs) + collectors) / COLLECTORS_A_PART);
}

/** Where the first collector of a block is that begins with so many outputs, in rows of collectors. */
export function collectorsBehind(outputs: number): number {
  return Math.ceil((outputs * OUTPUT.WORDS) / COLLECTOR.WORDS);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

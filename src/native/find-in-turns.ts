import { Turn } from '../base/turn.ts';

/** A millisecond of questions: then other things have their turn. */
const ADDRESSES_AT_ONCE = 128;

/**
 * Asks the kernel of many addresses, and lets the process do other things in between.
 *
 * @param find answers in the order of what it is asked
 */
export async function* findInTurns<Found>(
  addresses: readonly Uint8Array[],
  find: (some: readonly Uint8Array[]) => readonly Found[],
): AsyncGenerator<readonly [Uint8Array, Found]> {
  const turn = new Turn();
  for (let from = 0; from < addresses.length; from += ADDRESSES_AT_ONCE) {
    if (turn.isOver) await turn.next();
    const some = addresses.slice(from, from + ADDRESSES_AT_ONCE);
    const found = find(some);
    for (const [i, octets] of some.entries()) yield [octets, found[i] as Found];
  }
}

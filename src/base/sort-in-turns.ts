import { Turn } from './turn.ts';

/** Sorted at once: some milliseconds. */
const CHUNK = 2000;

/**
 * Sorts a long list, letting the process do other things in between.
 *
 * @param limit how many of the first are wanted
 * @returns another list; what compares equal keeps its order
 */
export async function sortInTurns<T>(
  items: readonly T[],
  compare: (one: T, other: T) => number,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<readonly T[]> {
  const turn = new Turn();
  let runs: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += CHUNK) {
    if (turn.isOver) await turn.next();
    runs.push(
      items
        .slice(at, at + CHUNK)
        .sort(compare)
        .slice(0, limit),
    );
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(await merge(runs[i] ?? [], runs[i + 1] ?? [], compare, { limit, turn }));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(
  first: readonly T[],
  second: readonly T[],
  compare: (one: T, other: T) => number,
  { limit, turn }: { readonly limit: number; readonly turn: Turn },
): Promise<readonly T[]> {
  const merged: T[] = [];
  const wanted = Math.min(limit, first.length + second.length);
  let i = 0;
  let k = 0;
  while (merged.length < wanted) {
    if (merged.length % CHUNK === 0 && turn.isOver) await turn.next();
    const takesFirst =
      k >= second.length || (i < first.length && compare(first[i] as T, second[k] as T) <= 0);
    merged.push((takesFirst ? first[i++] : second[k++]) as T);
  }
  return merged;
}

/**
 * Long lists of a call to another thread go ahead of it in pieces: copied all at once, 100,000 rules would hold up
 * the thread of the caller for a while.
 */

/** A few milliseconds of work. */
const ITEMS_PER_PIECE = 1000;

/** The next items of a list that goes ahead. */
export interface Piece {
  readonly list: number;
  readonly items: readonly unknown[];
}

/** Arguments without their long lists, which go ahead. */
export interface Detached {
  readonly rest: readonly unknown[];
  readonly pieces: Iterable<Piece>;
}

/** Takes the long lists out of arguments. They are looked for in plain objects, not in other lists. */
export function detachLists(args: readonly unknown[]): Detached {
  const lists: (readonly unknown[])[] = [];
  const detach = (part: unknown) => {
    if (!Array.isArray(part) || part.length <= ITEMS_PER_PIECE) return part;
    lists.push(part);
    return { longList: lists.length - 1 };
  };
  const rest = args.map((arg) => replaceWithin(arg, detach));
  return { rest, pieces: piecesOf(lists) };
}

function* piecesOf(lists: readonly (readonly unknown[])[]): Generator<Piece> {
  for (const [list, items] of lists.entries()) {
    for (let at = 0; at < items.length; at += ITEMS_PER_PIECE) {
      yield { list, items: items.slice(at, at + ITEMS_PER_PIECE) };
    }
  }
}

/** The other end. */
export class LongLists {
  #lists: unknown[][] = [];

  add({ list, items }: Piece): void {
    this.#lists[list] ??= [];
    for (const item of items) this.#lists[list].push(item);
  }

  /** @returns the arguments with the lists that came ahead of them, which are used up by that */
  attach(rest: readonly unknown[]): unknown[] {
    const lists = this.#lists;
    this.#lists = [];
    const attach = (part: unknown) => {
      const isAbsent = typeof part === 'object' && part !== null && 'longList' in part;
      return isAbsent ? lists[Number(part.longList)] : part;
    };
    return rest.map((arg) => replaceWithin(arg, attach));
  }
}

/** @returns a copy, in which what the callback returns stands for each part that is not an object of other parts */
function replaceWithin(value: unknown, replace: (part: unknown) => unknown): unknown {
  const part = replace(value);
  if (part !== value || typeof part !== 'object' || part === null || Array.isArray(part))
    return part;
  return Object.fromEntries(
    Object.entries(part).map(([name, field]) => [name, replaceWithin(field, replace)]),
  );
}

import type { PathMemory, PathRow } from './path-memory.ts';
import type { RowRuns } from './row-runs.ts';

/** A hop that sends nothing at the moment has no row. */
export type Hops = readonly (PathRow | undefined)[];

/** Longer than any reader needs from a row to that of a hop which it names. */
const REST_MS = 10_000;

interface Group {
  readonly first: number;
  readonly count: number;
  users: number;
}

/**
 * The rows of next hops, where a route has several. Addresses with the same hops share them. Who has read a row may read
 * those of its hops a moment later: rows that nobody names any more rest before they are used again.
 */
export class HopGroups {
  readonly #memory: PathMemory;
  readonly #rows: RowRuns;
  readonly #groups = new Map<string, Group>();
  readonly #resting: { readonly group: Group; readonly sinceMs: number }[] = [];
  readonly #now: () => number;

  constructor(memory: PathMemory, rows: RowRuns, now: () => number = () => performance.now()) {
    this.#memory = memory;
    this.#rows = rows;
    this.#now = now;
  }

  /** @returns where the rows are; undefined when there is no room. Given back by release(), with the same hops. */
  take(hops: Hops): NonNullable<PathRow['hops']> | undefined {
    this.#wake();
    const key = keyOf(hops);
    let group = this.#groups.get(key);
    if (group === undefined) {
      const first = this.#rows.take(hops.length);
      if (first === undefined) return undefined;
      group = { first, count: hops.length, users: 0 };
      this.#groups.set(key, group);
      for (const [i, hop] of hops.entries()) {
        if (hop === undefined) this.#memory.clear(first + i);
        else this.#memory.write(first + i, hop);
      }
    }
    group.users++;
    return { first: group.first, count: group.count };
  }

  release(hops: Hops): void {
    const key = keyOf(hops);
    const group = this.#groups.get(key);
    if (group === undefined || --group.users > 0) return;
    this.#groups.delete(key);
    this.#resting.push({ group, sinceMs: this.#now() });
  }

  /** Rows that have rested are free. */
  #wake(): void {
    for (;;) {
      const [next] = this.#resting;
      if (next === undefined || this.#now() - next.sinceMs < REST_MS) return;
      this.#resting.shift();
      this.#rows.release(next.group.first, next.group.count);
    }
  }
}

function keyOf(hops: Hops): string {
  return hops.map((hop) => (hop === undefined ? '-' : rowKey(hop))).join(' ');
}

/** Equal keys, equal rows. */
export function rowKey({ link, mtu, frame }: PathRow): string {
  return `${link}/${mtu}/${Buffer.from(frame).toString('hex')}`;
}

import type { NoPath } from './frame-way.ts';
import { HopGroups, type Hops, rowKey } from './hop-groups.ts';
import type { PathMemory, PathRow } from './path-memory.ts';
import type { RowRuns } from './row-runs.ts';

/** What was written for an address. */
interface Written {
  readonly key: string;
  /** Whose rows it has, where there are several next hops. */
  readonly hops: Hops | undefined;
}

/** Writes the rows of addresses when they have changed. */
export class PathRows {
  readonly #memory: PathMemory;
  readonly #groups: HopGroups;
  /** By index; absent: no path. */
  readonly #written = new Map<number, Written>();

  /** @param now milliseconds; replaced in tests */
  constructor(memory: PathMemory, rows: RowRuns, now?: () => number) {
    this.#memory = memory;
    this.#groups = new HopGroups(memory, rows, now);
  }

  /**
   * @param rows one for each part of what goes there; none where the hop is not ready
   * @returns why there is none, when there is none
   */
  write(index: number, rows: Hops): NoPath | undefined {
    const key = rows.map((row) => (row === undefined ? '-' : rowKey(row))).join(' ');
    const before = this.#written.get(index);
    if (before?.key === key) return undefined;
    const ready = rows.find((row) => row !== undefined) as PathRow;
    const isShared = rows.length > 1;
    const group = isShared ? this.#groups.take(rows) : undefined;
    if (isShared && group === undefined) {
      this.clear(index);
      return 'no room';
    }
    this.#memory.write(index, { ...ready, ...(group && { hops: group }) });
    this.#written.set(index, { key, hops: isShared ? rows : undefined });
    if (before?.hops !== undefined) this.#groups.release(before.hops);
    return undefined;
  }

  /** There is no path. */
  clear(index: number): void {
    const before = this.#written.get(index);
    if (before === undefined) return;
    this.#memory.clear(index);
    this.#written.delete(index);
    if (before.hops !== undefined) this.#groups.release(before.hops);
  }
}

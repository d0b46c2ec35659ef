/** The revisions of the rules, in the database of the rules (docs/decisions/0018). */
import type { Database } from 'better-sqlite3';
import { FloxyError } from '../base/errors.ts';
import type {
  HistoryLimits,
  MadeChange,
  RevisionPage,
  RevisionQuery,
  RevisionSummary,
  RuleUndo,
  StepBack,
  WayBack,
} from '../model/history.ts';
import type { Exporter, Revision } from '../model/rules.ts';
import { concerns, packItems, UndoError, undoItems } from '../rules/undo-message.ts';
import {
  decodeHistory,
  encodeHistory,
  HISTORY_TABLES,
  type HistoryRow,
  historySum,
  partSum,
} from './history-rows.ts';

/** Who looks for an exporter waits for so long at most, and so do changes: the rest is another page. */
const SEARCH_MS = 50;

/** How much there is. */
interface Held {
  readonly revisions: number;
  readonly bytes: number;
}

/** Of a change that was not made to the rules of this database: those are kept as they are. */
const BY_WHOEVER: RuleUndo = { kind: 'whole', named: [] };

/** What an undo that is a whole rule set is made of. */
export type WholeItems = () => Iterable<string>;

/**
 * Of one open database. What changes it runs within a transaction of the caller, who tells settle() when that has
 * succeeded.
 */
export class History {
  readonly #database: Database;
  readonly #limits: HistoryLimits;
  #held: Held | undefined;
  #next: Held | undefined;

  constructor(database: Database, limits: HistoryLimits) {
    this.#database = database;
    this.#limits = limits;
  }

  get isPrepared(): boolean {
    return this.#held !== undefined;
  }

  /**
   * Makes the tables when there are none, and closes a gap: a version of this program that keeps no history may have
   * changed the rules since.
   */
  prepare(present: Revision): void {
    if (this.#held !== undefined) return;
    this.#database.exec(HISTORY_TABLES);
    const newest = this.#newest();
    if (newest !== undefined && newest > present.number) this.#forget('>', present.number);
    if (present.number > 0 && newest !== present.number) {
      const record = encodeHistory({ revision: present, size: undefined, rules: undefined });
      this.#insert([present.number, null, 0, record, 0]);
    }
    const sums = this.#database
      .prepare<[], [number, number]>('SELECT count(*), coalesce(sum(bytes), 0) FROM history')
      .raw()
      .get() ?? [0, 0];
    this.#next = this.#prune({ revisions: sums[0], bytes: sums[1] });
  }

  /** @param present that is changed @param whole what the rules before are made of */
  add(
    present: Revision,
    revision: Revision,
    made: MadeChange | undefined,
    whole: WholeItems,
  ): void {
    const held = this.#next ?? this.#held;
    if (held === undefined) throw new Error('the history is not prepared');
    // Numbers only grow, unless the clock was put back while the rules before were not known.
    if (revision.number <= present.number) this.#forget('>=', revision.number);
    const isKnown = made?.previous === present.number;
    const undo = isKnown ? made.undo : made && BY_WHOEVER;
    const parts = undo === undefined ? [] : [...packItems(itemsOf(undo, whole))];
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    // An undo beyond the limit would push out all others, and go itself.
    const isKept = undo !== undefined && bytes <= this.#limits.bytes;
    const size = isKnown ? made.size : undefined;
    this.#insert([
      revision.number,
      isKept ? present.number : null,
      undo?.kind === 'whole' ? 1 : 0,
      encodeHistory({ revision, size, rules: made?.rules }),
      isKept ? bytes : 0,
    ]);
    if (isKept) this.#insertParts(revision.number, parts);
    const more = isKept ? bytes : 0;
    this.#next = this.#prune({ revisions: held.revisions + 1, bytes: held.bytes + more });
  }

  /** The transaction has succeeded, or not. */
  settle(hasSucceeded: boolean): void {
    if (hasSucceeded) this.#held = this.#next ?? this.#held;
    this.#next = undefined;
  }

  page({ limit, before, exporter }: RevisionQuery): RevisionPage {
    const endMs = performance.now() + SEARCH_MS;
    const oldestKnown = this.#oldestKnown();
    const revisions: RevisionSummary[] = [];
    const rows = this.#rowsBelow(before ?? Number.MAX_SAFE_INTEGER);
    for (const [number, , isWhole, record] of rows) {
      if (exporter === undefined || this.#concerns(number, exporter, isWhole === 1)) {
        revisions.push(decodeHistory(number, record, number >= oldestKnown));
      }
      const isEnough = revisions.length === limit;
      const isLate = exporter !== undefined && performance.now() >= endMs;
      if ((isEnough || isLate) && this.#hasBelow(number)) return { revisions, nextBefore: number };
    }
    return { revisions, nextBefore: undefined };
  }

  /** @throws FloxyError NOT_FOUND when it is not kept, or what leads to it is damaged */
  wayBack(target: number): WayBack {
    const rows = this.#rowsFrom(target);
    const [row] = rows;
    const newest = this.#newest() ?? 0;
    if (row?.[0] !== target) throw this.#unknown(target, newest);
    const after = rows.slice(1);
    const gap = after.find(([, previous]) => previous === null);
    if (gap !== undefined) {
      const message = `the rules of revision ${target} are not kept: what revision ${gap[0]} changed is not known`;
      throw new FloxyError('NOT_FOUND', message);
    }
    // The first whole rule set on the way makes those after it superfluous.
    const whole = after.findIndex(([, , isWhole]) => isWhole === 1);
    const needed = whole < 0 ? after : after.slice(0, whole + 1);
    const steps = needed.map(([revision]) => this.#step(revision)).reverse();
    const before = row[1] === null ? undefined : this.#step(target);
    return { target: decodeHistory(target, row[3], true), newest, steps, before };
  }

  #unknown(target: number, newest: number): FloxyError {
    const oldest = this.#database
      .prepare<[], number | null>('SELECT min(revision) FROM history')
      .pluck()
      .get();
    const message =
      target > newest || oldest === null || oldest === undefined
        ? `there is no revision ${target}: the newest is ${newest}`
        : target < oldest
          ? `revision ${target} is not kept any more: the oldest is ${oldest} (COLLECTOR_HISTORY_REVISIONS and COLLECTOR_HISTORY_BYTES say how many are)`
          : `there is no revision ${target}`;
    return new FloxyError('NOT_FOUND', message);
  }

  #step(revision: number): StepBack {
    const rows = this.#database
      .prepare<[number], [number, Buffer, number]>(
        'SELECT part, data, checksum FROM history_parts WHERE revision = ? ORDER BY part',
      )
      .raw()
      .all(revision);
    const isSound = rows.every(([part, data, sum]) => partSum(revision, part, data) === sum);
    if (!isSound) throw damaged(revision);
    return { revision, parts: rows.map(([, data]) => data) };
  }

  #concerns(revision: number, exporter: Exporter, isWhole: boolean): boolean {
    try {
      return this.#step(revision).parts.some((part) => concerns(part, exporter, isWhole));
    } catch (error) {
      if (error instanceof UndoError) throw damaged(revision);
      throw error;
    }
  }

  /** @throws FloxyError when one is damaged */
  #rowsBelow(revision: number): Iterable<HistoryRow> {
    return this.#rows('revision < ? ORDER BY revision DESC', revision);
  }

  #rowsFrom(revision: number): HistoryRow[] {
    return [...this.#rows('revision >= ? ORDER BY revision', revision)];
  }

  *#rows(condition: string, revision: number): Generator<HistoryRow> {
    const rows = this.#database
      .prepare<[number], [...HistoryRow, number]>(
        `SELECT revision, previous, is_whole, record, bytes, checksum FROM history WHERE ${condition}`,
      )
      .raw();
    for (const [number, previous, isWhole, record, bytes, sum] of rows.iterate(revision)) {
      const row: HistoryRow = [number, previous, isWhole, record, bytes];
      if (historySum(row) !== sum) throw damaged(number);
      yield row;
    }
  }

  #newest(): number | undefined {
    return (
      this.#database
        .prepare<[], number | null>('SELECT max(revision) FROM history')
        .pluck()
        .get() ?? undefined
    );
  }

  /** From here on all rules can be told. */
  #oldestKnown(): number {
    return (
      this.#database
        .prepare<[], number>(
          'SELECT coalesce(max(revision), 0) FROM history WHERE previous IS NULL',
        )
        .pluck()
        .get() ?? 0
    );
  }

  #hasBelow(revision: number): boolean {
    const found = this.#database
      .prepare<[number]>('SELECT 1 FROM history WHERE revision < ? LIMIT 1')
      .get(revision);
    return found !== undefined;
  }

  #insert(row: HistoryRow): void {
    this.#database
      .prepare(
        'INSERT INTO history (revision, previous, is_whole, record, bytes, checksum) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(
        ...row.map((value) => (typeof value === 'number' ? BigInt(value) : value)),
        BigInt(historySum(row)),
      );
  }

  #insertParts(revision: number, parts: readonly Buffer[]): void {
    const insert = this.#database.prepare(
      'INSERT INTO history_parts (revision, part, data, checksum) VALUES (?, ?, ?, ?)',
    );
    for (const [part, data] of parts.entries()) {
      insert.run(BigInt(revision), BigInt(part), data, BigInt(partSum(revision, part, data)));
    }
  }

  /** Lets go of the oldest. The newest stays whatever it takes. @returns what is left */
  #prune(held: Held): Held {
    let { revisions, bytes } = held;
    const isTooMuch = () =>
      revisions > 1 && (revisions > this.#limits.revisions || bytes > this.#limits.bytes);
    if (!isTooMuch()) return held;
    const rows = this.#database
      .prepare<[], [number, number]>('SELECT revision, bytes FROM history ORDER BY revision')
      .raw();
    let last = 0;
    for (const [revision, size] of rows.iterate()) {
      if (!isTooMuch()) break;
      last = revision;
      revisions -= 1;
      bytes -= size;
    }
    this.#forget('<=', last);
    return { revisions, bytes };
  }

  #forget(relation: '<=' | '>' | '>=', revision: number): void {
    for (const table of ['history', 'history_parts']) {
      this.#database.prepare(`DELETE FROM ${table} WHERE revision ${relation} ?`).run(revision);
    }
  }
}

function* itemsOf(undo: RuleUndo, whole: WholeItems): Generator<string> {
  yield* undoItems(undo);
  if (undo.kind === 'whole') yield* whole();
}

function damaged(revision: number): FloxyError {
  const message = `what is kept of revision ${revision} is damaged in the database: it and what was before it cannot be told any more`;
  return new FloxyError('NOT_FOUND', message);
}

/** Rows of the tables `history` and `history_parts` ↔ what they tell. */
import { crc32 } from 'node:zlib';
import type { ChangeSize, RevisionSummary } from '../model/history.ts';
import type { Revision } from '../model/rules.ts';
import { rowSum } from './checksum.ts';
import { decodeRecord, encodeRecord } from './revision-record.ts';

/**
 * Additions to a database of any version of the schema: earlier versions of this program do not look at them, and go on
 * with the rules. A form that differs gets tables of other names.
 */
export const HISTORY_TABLES = `
  CREATE TABLE IF NOT EXISTS history (
    revision INTEGER PRIMARY KEY,
    previous INTEGER, -- the revision that was changed; NULL: what was before is not known
    is_whole INTEGER NOT NULL, -- 1: its parts are all rules before, 0: what leads back to them
    record TEXT NOT NULL, -- JSON: when, who, from where, by which call, why, how much
    bytes INTEGER NOT NULL, -- of its parts
    checksum INTEGER NOT NULL -- of this row
  ) STRICT;

  CREATE TABLE IF NOT EXISTS history_parts (
    revision INTEGER NOT NULL,
    part INTEGER NOT NULL, -- from 0
    data BLOB NOT NULL, -- what undoes the revision: rules/undo-message.ts
    checksum INTEGER NOT NULL, -- of the data
    PRIMARY KEY (revision, part)
  ) STRICT;
`;

/** A row of `history`; the columns say what they hold. */
export type HistoryRow = readonly [
  revision: number,
  previous: number | null,
  isWhole: number,
  record: string,
  bytes: number,
];

/** What a row says of a revision besides its place. */
export interface HistoryRecord {
  readonly revision: Revision;
  readonly size: ChangeSize | undefined;
  readonly rules: number | undefined;
}

export function historySum(row: HistoryRow): number {
  return rowSum('history', ...row);
}

export function partSum(revision: number, part: number, data: Uint8Array): number {
  return crc32(data, rowSum('history_parts', revision, part));
}

/** What of a leader a revision is, is of no use any more when it is past. */
export function encodeHistory({ revision, size, rules }: HistoryRecord): string {
  const { followed: _, ...rest } = revision;
  return JSON.stringify({
    ...JSON.parse(encodeRecord(rest)),
    ...(size !== undefined && { size }),
    ...(rules !== undefined && { rules }),
  });
}

/** What cannot be read is left out. */
export function decodeHistory(
  number: number,
  text: string,
  isRestorable: boolean,
): RevisionSummary {
  const revision = { ...decodeRecord(text), number };
  const { size, rules } = parse(text);
  return {
    revision,
    size: isSize(size) ? size : undefined,
    rules: typeof rules === 'number' ? rules : undefined,
    isRestorable,
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function isSize(value: unknown): value is ChangeSize {
  if (typeof value !== 'object' || value === null) return false;
  const { added, removed, changed } = value as Partial<ChangeSize>;
  return [added, removed, changed].every((count) => typeof count === 'number');
}

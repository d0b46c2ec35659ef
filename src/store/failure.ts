import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { type ErrorCode, FloxyError } from '../base/errors.ts';
import { DecodeError } from './encoding.ts';

/**
 * What went wrong with a database.
 *
 * - `unreadable`: its contents are damaged.
 * - `newer`: a newer version of this program has written it.
 * - `moved`: the file at the path is not the one that is open.
 * - `foreign`: it is sound, but not ours: another program's, or not a file.
 * - `busy`: another process uses it.
 * - `full`: no room on the disk, or the quota is used up.
 * - `large`: there is not enough memory to read it.
 * - `inaccessible`: it or its directory cannot be opened, read or written.
 */
export type FailureKind =
  | 'unreadable'
  | 'newer'
  | 'moved'
  | 'foreign'
  | 'busy'
  | 'full'
  | 'large'
  | 'inaccessible';

/** An expected failure of the database; the message says what happened, not where. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Codes of sqlite.org/rescode.html by what they mean for a store. Those not listed are faults of the program. */
const KIND_BY_SQLITE_CODE: Readonly<Record<string, FailureKind>> = {
  SQLITE_NOTADB: 'unreadable',
  SQLITE_CORRUPT: 'unreadable',
  // The statements are fixed: when one does not fit the tables, the tables are not ours any more.
  SQLITE_ERROR: 'unreadable',
  SQLITE_MISMATCH: 'unreadable',
  SQLITE_FORMAT: 'unreadable',
  SQLITE_SCHEMA: 'unreadable',
  SQLITE_BUSY: 'busy',
  SQLITE_LOCKED: 'busy',
  SQLITE_PROTOCOL: 'busy',
  SQLITE_FULL: 'full',
  SQLITE_READONLY: 'inaccessible',
  SQLITE_CANTOPEN: 'inaccessible',
  SQLITE_IOERR: 'inaccessible',
  SQLITE_PERM: 'inaccessible',
  SQLITE_AUTH: 'inaccessible',
  SQLITE_NOLFS: 'inaccessible',
  SQLITE_NOMEM: 'inaccessible',
};

const FULL_ERRNO_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Translates what SQLite and the file system throw.
 *
 * @returns undefined for anything else: a fault of the program
 */
export function toStoreFailure(thrown: unknown, path: string): StoreFailure | undefined {
  if (thrown instanceof StoreFailure) return thrown;
  const options = { cause: thrown };
  if (thrown instanceof DecodeError) return new StoreFailure('unreadable', thrown.message, options);
  if (thrown instanceof SqliteDatabase.SqliteError) {
    const kind = sqliteKind(thrown.code, path);
    return kind && new StoreFailure(kind, `${thrown.message} (${thrown.code})`, options);
  }
  if (!isErrnoException(thrown)) return undefined;
  const kind = FULL_ERRNO_CODES.has(thrown.code) ? 'full' : 'inaccessible';
  return new StoreFailure(kind, thrown.message, options);
}

/** As toStoreFailure, but passes faults of the program on. */
export function expectStoreFailure(thrown: unknown, path: string): StoreFailure {
  const failure = toStoreFailure(thrown, path);
  if (failure === undefined) throw thrown;
  return failure;
}

function isErrnoException(thrown: unknown): thrown is NodeJS.ErrnoException & { code: string } {
  return thrown instanceof Error && 'errno' in thrown && 'code' in thrown;
}

function sqliteKind(code: string, path: string): FailureKind | undefined {
  // File systems that allocate late tell of a full disk only when data is synced: an I/O error for SQLite.
  if (code.startsWith('SQLITE_IOERR') && isDiskFull(path)) return 'full';
  const primary = code.split('_', 2).join('_');
  return KIND_BY_SQLITE_CODE[primary];
}

const FULL_BELOW_BYTES = 64 * 1024;

/** Whether there is hardly any room left beside a file. */
export function isDiskFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < FULL_BELOW_BYTES;
  } catch {
    return false;
  }
}

/** The user's view of a failed write. */
export function toFloxyError(failure: StoreFailure, path: string): FloxyError {
  const { code, advice } = WRITE_ERRORS[failure.kind];
  const message =
    failure.kind === 'full'
      ? `the disk with the database ${path} is full: ${failure.message}`
      : `the database ${path} cannot be written: ${failure.message}`;
  return new FloxyError(code, `${message}; the rules are unchanged; ${advice}`, { cause: failure });
}

/** The user's view of a question to the database that found no answer. */
export function toQuestionError(failure: StoreFailure, path: string): FloxyError {
  const { code, advice } = WRITE_ERRORS[failure.kind];
  const message = `the database ${path} cannot answer: ${failure.message}; ${advice}`;
  return new FloxyError(code, message, { cause: failure });
}

/** The user's view of saved rules that were not restored from a database that was left as it is. */
export function toRestoreError({ kind, message }: StoreFailure, path: string): string {
  const what = kind === 'unreadable' ? 'is unreadable' : 'cannot be opened';
  const { advice } = WRITE_ERRORS[kind];
  return `the saved rules could not be restored: the database ${path} ${what}: ${message}; it was left as it is, and is tried again every second; ${advice}`;
}

const WRITE_ERRORS: Readonly<Record<FailureKind, { code: ErrorCode; advice: string }>> = {
  unreadable: {
    code: 'STORE_UNWRITABLE',
    advice: 'replace the rules: the damaged database is then moved aside and a new one is made',
  },
  newer: {
    code: 'STORE_UNWRITABLE',
    advice:
      'start the newer version again, or replace all rules: the database is then kept aside and a new one is made',
  },
  moved: {
    code: 'STORE_UNWRITABLE',
    advice:
      'put it back, or replace all rules (as ListProxyRules answers them): they are then written to a new file; or restart the service to use the file that is there now',
  },
  foreign: {
    code: 'STORE_UNWRITABLE',
    advice: 'set COLLECTOR_DATABASE_PATH to a file of its own and restart',
  },
  busy: {
    code: 'STORE_UNWRITABLE',
    advice:
      'stop the other process that uses the database (fuser and lsof name it), then try again',
  },
  full: { code: 'LIMIT_EXCEEDED', advice: 'make room, then try again' },
  large: {
    code: 'LIMIT_EXCEEDED',
    advice:
      'give the service more memory and restart it, or replace all rules: the database is then kept aside and a new one is made',
  },
  inaccessible: {
    code: 'STORE_UNWRITABLE',
    advice: 'make the file and its directory writable for the service, then try again',
  },
};

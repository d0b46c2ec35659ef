import { rmSync, statSync } from 'node:fs';
import { claimPath, followLinks, isMissing, removeDrafts } from './database-file.ts';
import { expectStoreFailure, type FailureKind, StoreFailure } from './failure.ts';
import { copyDamagedLog, createDatabase, guardLog, replaceUnreadable } from './quarantine.ts';
import { readCopy } from './read-copy.ts';
import { type DatabaseOptions, RulesDatabase, type SavedRules } from './rules-database.ts';
import type { StoreLog } from './sqlite-rule-store.ts';

/** Failures of databases that are moved aside when all rules are replaced, and used again otherwise. */
const KEPT_FOR_LATER: ReadonlySet<FailureKind> = new Set(['newer', 'large']);

/** An open database, and whether it is the file at its path still. */
export class Connection {
  readonly database: RulesDatabase;
  /** A copy of a write-ahead log of which changes could not be read; undefined when all could. */
  readonly damagedLog: string | undefined;
  readonly notice: string | undefined;
  #saved: SavedRules | undefined;
  readonly #path: string;
  readonly #identity: string | undefined;

  /** @param notice what is to be known of a database that works */
  constructor(path: string, options: DatabaseOptions, notice?: string) {
    this.notice = notice;
    this.#path = path;
    this.#identity = identityOf(path);
    this.damagedLog = copyDamagedLog(path);
    try {
      this.database = new RulesDatabase(path, options);
      this.#saved = this.#read();
    } catch (error) {
      if (this.damagedLog !== undefined) rmSync(this.damagedLog, { force: true });
      throw error;
    }
    // It is ours now: nobody else is making one here.
    removeDrafts(path);
  }

  /** What it held when it was opened; once, because nobody needs 100,000 rules a second time. */
  takeSaved(): SavedRules {
    const saved = this.#saved;
    this.#saved = undefined;
    return saved ?? this.#read();
  }

  /** @throws StoreFailure `moved`: what is written would be lost with the next start */
  checkPath(): void {
    const identity = identityOf(this.#path);
    if (identity === this.#identity) return;
    const what = identity === undefined ? 'no file is there any more' : 'another file is there';
    throw new StoreFailure('moved', `it was moved, removed or replaced while in use: ${what}`);
  }

  #read(): SavedRules {
    try {
      this.checkPath();
      return this.database.read();
    } catch (error) {
      this.database.close();
      throw error;
    }
  }
}

export interface ConnectOptions extends DatabaseOptions {
  /** All rules are about to be replaced: a database that cannot be read here is moved aside. */
  readonly isReplacing: boolean;
  readonly log: StoreLog;
}

/**
 * Opens a database for writing; makes one if there is none or only an unreadable one.
 *
 * @throws what toStoreFailure() understands
 */
export function connect(givenPath: string, options: ConnectOptions): Connection {
  const { isReplacing, log } = options;
  const path = followLinks(givenPath);
  claimPath(path);
  if (isMissing(path)) announceNew(path, createDatabase(path), log);
  const guard = guardLog(path);
  try {
    return new Connection(path, options);
  } catch (error) {
    const failure = expectStoreFailure(error, path);
    const isInTheWay =
      failure.kind === 'unreadable' || (isReplacing && KEPT_FOR_LATER.has(failure.kind));
    if (!isInTheWay) throw failure;
    const saved = failure.kind === 'unreadable' ? rescue(path, options) : undefined;
    const told = replaceUnreadable(path, failure.message, { guard, saved });
    announceNew(path, told, log);
    return new Connection(path, options, saved && told);
  } finally {
    rmSync(guard, { force: true });
  }
}

/** @returns the rules of a damaged database when they are whole */
function rescue(path: string, { historyLimits }: DatabaseOptions): SavedRules | undefined {
  try {
    const saved = readCopy(path, historyLimits);
    return saved.restoreError === undefined ? saved : undefined;
  } catch (error) {
    expectStoreFailure(error, path);
    return undefined;
  }
}

function announceNew(path: string, restoreError: string | undefined, log: StoreLog): void {
  const fields = { path };
  if (restoreError === undefined) {
    log.warn(
      fields,
      'new, empty database: no rules are in force until some are loaded; if there were any before, look at COLLECTOR_DATABASE_PATH',
    );
  } else {
    log.warn(
      { ...fields, error: restoreError },
      'new database in place of one that could not be used',
    );
  }
}

function identityOf(path: string): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  return file && `${file.dev}:${file.ino}`;
}

import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { FloxyError } from '../base/errors.ts';
import type { RestoredRules } from '../control/ports.ts';
import { EMPTY_RULE_SET, type Revision, type RuleChange } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { claimPath, followLinks, isMissing } from './database-file.ts';
import { expectStoreFailure, type StoreFailure, toFloxyError } from './failure.ts';
import { createDatabase, guardLog, replaceUnreadable } from './quarantine.ts';
import { readCopy } from './read-copy.ts';
import { RulesDatabase, type SavedRules } from './rules-database.ts';

/** How long to wait at start for another process (a predecessor that is ending) to let go of the file. */
const OPEN_BUSY_TIMEOUT_MS = 5000;

/** The same when a write tries again to open it: nothing else runs while it waits. */
const REOPEN_BUSY_TIMEOUT_MS = 500;

const NOTHING_SAVED: SavedRules = {
  revision: { number: 0 },
  ruleSet: EMPTY_RULE_SET,
  restoreError: undefined,
};

interface Connected {
  readonly database: RulesDatabase;
  readonly saved: SavedRules;
}

export interface RuleStoreOptions {
  /** The database file; it and its directory are made when they are missing. */
  readonly path: string;
  readonly log: StoreLog;
}

/** What a store says; a pino Logger is one. */
export type StoreLog = Readonly<Record<LogLevel, (fields: object, message: string) => void>>;
export type LogLevel = 'info' | 'warn' | 'error';

/**
 * Keeps the rules in an SQLite file (write-ahead log, every commit synced), which it holds exclusively:
 * other processes, the sqlite3 tool too, find it locked while the service runs. Each write is one transaction, and
 * is on disk when the call returns; what throws FloxyError has changed nothing.
 *
 * When the file cannot be written, the rules are restored all the same if it can be read, and every write
 * tries again to open it, so that a repair needs no restart.
 */
export class SqliteRuleStore {
  readonly #path: string;
  readonly #log: RuleStoreOptions['log'];
  #phase: 'new' | 'open' | 'closed' = 'new';
  #database: RulesDatabase | undefined;
  /** The revision that the caller works by: the last that was handed out or written. */
  #revision = 0;
  #restoreError: string | undefined;
  /** Why nothing can be written, or why the last write failed. */
  #writeError: string | undefined;
  /** Set while the file holds other rules than the caller works by: only a replacement may be written then. */
  #divergence: string | undefined;

  constructor(options: RuleStoreOptions) {
    this.#path = resolve(options.path);
    this.#log = options.log;
  }

  /** Opens the database and reads the rules. Never throws for a bad file: see restoreError and status(). */
  open(): RestoredRules {
    if (this.#phase === 'open') throw new Error('the store is open already');
    this.#phase = 'open';
    this.#writeError = undefined;
    this.#divergence = undefined;
    const saved = this.#restore();
    const { revision, ruleSet, restoreError } = saved;
    this.#revision = revision.number;
    this.#restoreError = restoreError;
    const fields = { path: this.#path, revision: revision.number, rules: ruleSet.rules.length };
    if (restoreError === undefined) this.#log.info(fields, 'rules restored');
    else this.#log.error({ ...fields, error: restoreError }, 'saved rules not restored');
    return { revision, ruleSet, ...(restoreError !== undefined && { restoreError }) };
  }

  write(change: RuleChange, revision: Revision): void {
    if (this.#phase !== 'open') {
      throw new FloxyError('NOT_READY', `the database ${this.#path} is not open`);
    }
    try {
      const database = this.#database ?? this.#reconnect();
      this.#checkDivergence(change);
      database.write(change, revision);
    } catch (error) {
      throw this.#writeFailed(error);
    }
    if (change.kind === 'replace') this.#restoreError = undefined;
    this.#divergence = undefined;
    this.#revision = revision.number;
    this.#writeError = undefined;
  }

  status(): SubsystemStatus {
    if (this.#phase === 'new') return { state: 'Configuring' };
    if (this.#phase === 'closed') return { state: 'Offline', error: 'the database is closed' };
    if (this.#writeError !== undefined) return { state: 'Offline', error: this.#writeError };
    if (this.#restoreError !== undefined) {
      return { state: 'NotConfigured', error: this.#restoreError };
    }
    return { state: 'OK' };
  }

  close(): void {
    this.#disconnect();
    this.#phase = 'closed';
  }

  #restore(): SavedRules {
    try {
      return this.#connect(OPEN_BUSY_TIMEOUT_MS).saved;
    } catch (error) {
      const failure = expectStoreFailure(error, this.#path);
      this.#writeError = toFloxyError(failure, this.#path).message;
      this.#log.error({ path: this.#path, error: this.#writeError }, 'database not writable');
      return this.#restoreWithoutWriting(failure);
    }
  }

  #restoreWithoutWriting(failure: StoreFailure): SavedRules {
    if (failure.kind === 'busy' || failure.kind === 'foreign') return this.#notRestored(failure);
    const path = followLinks(this.#path);
    if (isMissing(path)) return NOTHING_SAVED;
    try {
      return readCopy(path);
    } catch (error) {
      return this.#notRestored(expectStoreFailure(error, this.#path));
    }
  }

  #notRestored(failure: StoreFailure): SavedRules {
    const what = failure.kind === 'unreadable' ? 'is unreadable' : 'cannot be opened';
    const restoreError = `the saved rules could not be restored: the database ${this.#path} ${what}: ${failure.message}; it was left as it is`;
    return { ...NOTHING_SAVED, restoreError };
  }

  /** Opens the database for writing; makes one if there is none or only an unreadable one. */
  #connect(busyTimeoutMs: number): Connected {
    const path = followLinks(this.#path);
    claimPath(path);
    if (isMissing(path)) this.#announceNew(path, createDatabase(path));
    const guard = guardLog(path);
    try {
      return this.#openAndRead(path, busyTimeoutMs);
    } catch (error) {
      const failure = expectStoreFailure(error, path);
      if (failure.kind !== 'unreadable') throw failure;
      this.#announceNew(path, replaceUnreadable(path, failure.message, guard));
      return this.#openAndRead(path, busyTimeoutMs);
    } finally {
      rmSync(guard, { force: true });
    }
  }

  #announceNew(path: string, restoreError: string | undefined): void {
    if (restoreError === undefined) this.#log.info({ path }, 'new database');
    else
      this.#log.warn({ path, error: restoreError }, 'new database in place of an unreadable one');
  }

  #openAndRead(path: string, busyTimeoutMs: number): Connected {
    const database = new RulesDatabase(path, busyTimeoutMs);
    try {
      const saved = database.read();
      this.#database = database;
      return { database, saved };
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Opens the database after a failure and sees whether it still holds what the caller works by. */
  #reconnect(): RulesDatabase {
    const { database, saved } = this.#connect(REOPEN_BUSY_TIMEOUT_MS);
    const isEmpty = saved.ruleSet.rules.length === 0 && saved.ruleSet.defaultOutputs.length === 0;
    const isSame = saved.revision.number === this.#revision && (this.#revision > 0 || isEmpty);
    this.#divergence = isSame
      ? undefined
      : `the database holds rules of revision ${saved.revision.number}, and the service works by revision ${this.#revision}`;
    if (isSame || saved.restoreError !== undefined) this.#restoreError = saved.restoreError;
    this.#log.info({ path: this.#path, revision: saved.revision.number }, 'database opened again');
    return database;
  }

  #checkDivergence(change: RuleChange): void {
    if (this.#divergence === undefined) return;
    if (change.kind === 'replace') {
      this.#log.warn({ path: this.#path, reason: this.#divergence }, 'replacing saved rules');
      return;
    }
    throw new FloxyError(
      'STORE_UNWRITABLE',
      `the saved rules in ${this.#path} were not restored: ${this.#divergence}; restart the service to use the saved rules, or replace the rules`,
    );
  }

  /** Remembers a failed write. The next one opens the file anew, unless it is only full. */
  #writeFailed(thrown: unknown): FloxyError {
    const error = this.#toFloxyError(thrown);
    this.#writeError = error.message;
    this.#log.error({ path: this.#path, error: error.message }, 'rules not saved');
    return error;
  }

  #toFloxyError(thrown: unknown): FloxyError {
    if (thrown instanceof FloxyError) return thrown;
    const failure = expectStoreFailure(thrown, this.#path);
    if (failure.kind !== 'full') this.#disconnect();
    return toFloxyError(failure, this.#path);
  }

  #disconnect(): void {
    this.#database?.close();
    this.#database = undefined;
  }
}

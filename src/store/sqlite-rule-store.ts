import { resolve } from 'node:path';
import { FloxyError, messageOf } from '../base/errors.ts';
import type { RestoredRules } from '../control/ports.ts';
import type { HistoryLimits, MadeChange } from '../model/history.ts';
import { EMPTY_RULE_SET, type Revision, type RuleChange } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { type Connection, connect } from './connection.ts';
import { followLinks, isMissing } from './database-file.ts';
import {
  expectStoreFailure,
  type FailureKind,
  isDiskFull,
  type StoreFailure,
  toFloxyError,
  toQuestionError,
  toRestoreError,
} from './failure.ts';
import { readCopy } from './read-copy.ts';
import type { RulesDatabase, SavedRules } from './rules-database.ts';

/** How long to wait at start for another process (a predecessor that is ending) to let go of the file. */
const OPEN_BUSY_TIMEOUT_MS = 5000;

/** The same when a write tries again to open it: nothing else runs while it waits. */
const REOPEN_BUSY_TIMEOUT_MS = 500;

const NO_CHANGE: RuleChange = { kind: 'edit', deleted: [], upserts: [] };

/** Failures with which the connection is of use still. */
const KEPT_OPEN: ReadonlySet<FailureKind> = new Set(['full', 'moved']);

/** Failures with which the rules may be readable all the same. */
const READ_BY_COPY: ReadonlySet<FailureKind> = new Set(['unreadable', 'full', 'inaccessible']);

const NOTHING_SAVED: SavedRules = {
  revision: { number: 0 },
  ruleSet: EMPTY_RULE_SET,
  restoreError: undefined,
};

interface Connected {
  readonly connection: Connection;
  readonly saved: SavedRules;
}

export interface RuleStoreOptions {
  /** The database file; it and its directory are made when they are missing. */
  readonly path: string;
  readonly historyLimits: HistoryLimits;
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
  readonly #historyLimits: HistoryLimits;
  readonly #log: RuleStoreOptions['log'];
  #phase: 'new' | 'pending' | 'open' | 'closed' = 'new';
  #connection: Connection | undefined;
  /** That the caller works by: the last that was handed out or written. */
  #revision: Revision = NOTHING_SAVED.revision;
  #restoreError: string | undefined;
  /** Why nothing can be written, or why the last write failed. */
  #writeError: string | undefined;
  /** What is to be known of a database that works. */
  #notice: string | undefined;
  /** Set while the file holds other rules than the caller works by: only a replacement may be written then. */
  #divergence: string | undefined;

  constructor(options: RuleStoreOptions) {
    this.#path = resolve(options.path);
    this.#historyLimits = options.historyLimits;
    this.#log = options.log;
  }

  /**
   * Opens the database and reads the rules. Never throws for a bad file: see restoreError and status(). May be
   * called again while the rules are pending.
   */
  open(): RestoredRules {
    if (this.#phase === 'open') throw new Error('the store is open already');
    const busyTimeoutMs = this.#phase === 'pending' ? REOPEN_BUSY_TIMEOUT_MS : OPEN_BUSY_TIMEOUT_MS;
    this.#divergence = undefined;
    try {
      const { saved } = this.#connect(busyTimeoutMs, false);
      this.#writeError = undefined;
      return this.#restored(saved);
    } catch (error) {
      return this.#openWithoutWriting(expectStoreFailure(error, this.#path));
    }
  }

  write(change: RuleChange, revision: Revision, made?: MadeChange): void {
    const isReplacing = change.kind === 'replace';
    if (this.#phase !== 'open' && !(this.#phase === 'pending' && isReplacing)) {
      const reason = this.#restoreError ?? 'it was not opened, or is closed';
      throw new FloxyError('NOT_READY', `the database ${this.#path} is not open: ${reason}`);
    }
    try {
      const { database } = this.#writable(isReplacing);
      this.#checkDivergence(isReplacing);
      database.write(change, revision, made);
    } catch (error) {
      throw this.#writeFailed(error);
    }
    if (isReplacing) {
      this.#restoreError = undefined;
      this.#notice = undefined;
    }
    this.#phase = 'open';
    this.#divergence = undefined;
    this.#revision = revision;
    this.#writeError = undefined;
  }

  /** Has the database asked what is no write of rules. @throws FloxyError */
  ask<T>(question: (database: RulesDatabase) => T): T {
    try {
      this.#connection?.checkPath();
      if (this.#connection !== undefined && this.#divergence === undefined) {
        return question(this.#connection.database);
      }
    } catch (error) {
      if (error instanceof FloxyError) throw error;
      throw toQuestionError(expectStoreFailure(error, this.#path), this.#path);
    }
    const reason = this.#divergence ?? this.#writeError ?? this.#restoreError ?? 'it is not open';
    throw new FloxyError(
      'STORE_UNWRITABLE',
      `the database ${this.#path} cannot be asked: ${reason}`,
    );
  }

  /**
   * Looks after the database while nobody writes, now and then: sees whether it is there still and whether what was
   * in the way of a write has gone, and empties the write-ahead log.
   */
  tend(): void {
    if (this.#phase !== 'open' || this.#divergence !== undefined) return;
    // Somebody may be about to put it back.
    if (this.#revision.number > 0 && isMissing(followLinks(this.#path)) && !this.#connection)
      return;
    try {
      const { database } = this.#writable(false);
      database.checkpoint();
      if (this.#writeError === undefined || this.#divergence !== undefined) return;
      if (isDiskFull(this.#path)) return;
      database.write(NO_CHANGE, this.#revision);
      this.#writeError = undefined;
      this.#log.info({ path: this.#path }, 'the database can be written again');
    } catch (error) {
      this.#writeFailed(error);
    }
  }

  status(): SubsystemStatus {
    if (this.#phase === 'new') return { state: 'Configuring' };
    if (this.#phase === 'closed') return { state: 'Offline', error: 'the database is closed' };
    const writeError = this.#divergence ?? this.#writeError;
    if (writeError !== undefined) return { state: 'Offline', error: writeError };
    if (this.#restoreError !== undefined) {
      return { state: 'NotConfigured', error: this.#restoreError };
    }
    return { state: 'OK', ...(this.#notice !== undefined && { error: this.#notice }) };
  }

  close(): void {
    this.#disconnect();
    this.#phase = 'closed';
  }

  #connect(busyTimeoutMs: number, isReplacing: boolean): Connected {
    const log = this.#log;
    const historyLimits = this.#historyLimits;
    const connection = connect(this.#path, { busyTimeoutMs, historyLimits, isReplacing, log });
    this.#connection = connection;
    const { damagedLog } = connection;
    const saved = connection.takeSaved();
    this.#notice = connection.notice ?? this.#notice;
    if (damagedLog !== undefined) {
      const { number, at = 'an unknown time' } = saved.revision;
      this.#notice = `the write-ahead log of the database ${this.#path} is damaged: changes after revision ${number} of ${at} could not be read (the last one may never have been acknowledged); a copy of the log is kept as ${damagedLog}; check the rules`;
      log.error({ path: this.#path }, this.#notice);
    }
    return { connection, saved };
  }

  #openWithoutWriting(failure: StoreFailure): RestoredRules {
    this.#writeFailed(failure);
    if (!READ_BY_COPY.has(failure.kind)) return this.#pending(failure);
    const path = followLinks(this.#path);
    if (isMissing(path)) return this.#restored(NOTHING_SAVED);
    try {
      return this.#restored(readCopy(path, this.#historyLimits));
    } catch (error) {
      return this.#pending(expectStoreFailure(error, this.#path));
    }
  }

  #pending(failure: StoreFailure): RestoredRules {
    const restoreError = toRestoreError(failure, this.#path);
    if (this.#restoreError !== restoreError) {
      this.#log.error({ path: this.#path, error: restoreError }, 'saved rules not restored');
    }
    this.#phase = 'pending';
    this.#restoreError = restoreError;
    return { ...NOTHING_SAVED, restoreError, isPending: true };
  }

  #restored({ revision, ruleSet, restoreError }: SavedRules): RestoredRules {
    this.#phase = 'open';
    this.#revision = revision;
    this.#restoreError = restoreError;
    const fields = { path: this.#path, revision: revision.number, rules: ruleSet.rules.length };
    if (restoreError === undefined) this.#log.info(fields, 'rules restored');
    else this.#log.error({ ...fields, error: restoreError }, 'saved rules not restored');
    return { revision, ruleSet, ...(restoreError !== undefined && { restoreError }) };
  }

  /** @throws what toStoreFailure() understands */
  #writable(isReplacing: boolean): Connection {
    try {
      this.#connection?.checkPath();
    } catch (error) {
      if (!isReplacing) throw error;
      this.#log.warn({ path: this.#path, reason: messageOf(error) }, 'all rules go to a new file');
      this.#disconnect();
    }
    return this.#connection ?? this.#reconnect(isReplacing);
  }

  /** Opens the database after a failure and sees whether it still holds what the caller works by. */
  #reconnect(isReplacing: boolean): Connection {
    const { connection, saved } = this.#connect(REOPEN_BUSY_TIMEOUT_MS, isReplacing);
    const { revision, ruleSet, restoreError } = saved;
    const { number } = this.#revision;
    const isEmpty = ruleSet.rules.length === 0 && ruleSet.defaultOutputs.length === 0;
    const isSame = revision.number === number && (number > 0 || isEmpty);
    this.#divergence = isSame
      ? undefined
      : `the saved rules in ${this.#path} were not restored: the database holds rules of revision ${revision.number}, and the service works by revision ${number}; restart the service to use the saved rules, or replace the rules`;
    if (isSame || restoreError !== undefined) this.#restoreError = restoreError;
    this.#log.info({ path: this.#path, revision: revision.number }, 'database opened again');
    return connection;
  }

  #checkDivergence(isReplacing: boolean): void {
    if (this.#divergence === undefined) return;
    if (!isReplacing) throw new FloxyError('STORE_UNWRITABLE', this.#divergence);
    this.#log.warn({ path: this.#path, reason: this.#divergence }, 'replacing saved rules');
  }

  /** Remembers a failed write. The next one opens the file anew, unless the connection is of use still. */
  #writeFailed(thrown: unknown): FloxyError {
    const error = this.#toFloxyError(thrown);
    if (error.message !== this.#writeError) {
      this.#log.error({ path: this.#path, error: error.message }, 'database not writable');
    }
    this.#writeError = error.message;
    return error;
  }

  #toFloxyError(thrown: unknown): FloxyError {
    if (thrown instanceof FloxyError) return thrown;
    const failure = expectStoreFailure(thrown, this.#path);
    if (!KEPT_OPEN.has(failure.kind)) this.#disconnect();
    return toFloxyError(failure, this.#path);
  }

  #disconnect(): void {
    this.#connection?.database.close();
    this.#connection = undefined;
  }
}

import { statSync } from 'node:fs';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import type {
  HistoryLimits,
  MadeChange,
  RevisionPage,
  RevisionQuery,
  WayBack,
} from '../model/history.ts';
import { nextEraNumber, type Revision, type RuleChange, type RuleSet } from '../model/rules.ts';
import { CHECKSUM_KEY, tableSum } from './checksum.ts';
import { DecodeError } from './encoding.ts';
import { StoreFailure, toStoreFailure } from './failure.ts';
import { History } from './history.ts';
import { decodeRecord, encodeRecord, isRevisionNumber } from './revision-record.ts';
import { hasLaterFields } from './rule-fields.ts';
import { RulesTable } from './rules-table.ts';
import {
  APPLICATION_ID,
  BASE_VERSION,
  migrate,
  raiseVersion,
  SCHEMA_VERSION,
  schemaVersion,
} from './schema.ts';

/** What a database holds. */
export interface SavedRules {
  readonly revision: Revision;
  readonly ruleSet: RuleSet;
  /** Why rules saved before this database was made could not be restored. */
  readonly restoreError: string | undefined;
}

export interface DatabaseOptions {
  /**
   * What is damaged beside the rules (their history, free pages) is no reason not to read them: their checksum says
   * whether they are whole. For copies: nothing can be written to such a database.
   */
  readonly isRescue?: boolean;
  /** How long to wait for another process to let go of it. */
  readonly busyTimeoutMs: number;
  readonly historyLimits: HistoryLimits;
}

interface Loaded {
  readonly saved: SavedRules;
  /** Over the rows of `rules`. */
  readonly rulesSum: number;
  /** As it is in the database. */
  readonly checksum: unknown;
}

/** SQLite cuts the write-ahead log to this after a checkpoint; replacing many rules swells it. */
const WAL_LIMIT_BYTES = 4 * 1024 * 1024;

/** What a new database begins with: the rules of another one, or why there are none. */
export interface Beginning {
  readonly saved?: SavedRules | undefined;
  readonly restoreError?: string | undefined;
}

/** The bytes of a new database. */
export function newDatabaseImage({ saved, restoreError }: Beginning): Buffer {
  const database = new SqliteDatabase(':memory:');
  try {
    migrate(database, () => {
      if (restoreError !== undefined) {
        setMeta(database, 'restore_error', restoreError);
        setMeta(database, 'revision', BigInt(nextEraNumber()));
      }
      const sum = saved === undefined ? 0 : putSaved(database, saved);
      const sums = sum + tableSum(database, 'meta') + tableSum(database, 'default_outputs');
      setMeta(database, CHECKSUM_KEY, BigInt(sums));
    });
    return database.serialize();
  } finally {
    database.close();
  }
}

/** @returns the sum over the rows of `rules` */
function putSaved(database: Database, { revision, ruleSet }: SavedRules): number {
  setMeta(database, 'revision', BigInt(revision.number));
  setMeta(database, 'record', encodeRecord(revision));
  const change = { kind: 'replace', ruleSet } as const;
  if (hasLaterFields(change)) raiseVersion(database);
  return new RulesTable(database).write(change, 0);
}

/**
 * One open database of rules, held exclusively: to other processes it is locked. Its methods throw what
 * toStoreFailure understands. A write is one transaction, on disk when the method returns; one that threw
 * has changed nothing.
 */
export class RulesDatabase {
  readonly #database: Database;
  readonly #rules: RulesTable;
  readonly #history: History;
  #rulesSum = 0;
  #revision: Revision = { number: 0 };

  /** Opens a database that exists, checks it and brings it to the present schema. */
  constructor(path: string, { busyTimeoutMs, historyLimits, isRescue = false }: DatabaseOptions) {
    const file = statSync(path);
    if (!file.isFile()) throw new StoreFailure('foreign', 'it is not a regular file');
    // To SQLite a file of 0 bytes is a new database; here it is one that lost its rules.
    if (file.size === 0) throw new StoreFailure('unreadable', 'the file is empty');
    this.#database = new SqliteDatabase(path, { fileMustExist: true, timeout: busyTimeoutMs });
    this.#rules = new RulesTable(this.#database);
    this.#history = new History(this.#database, historyLimits);
    try {
      this.#prepare(isRescue);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Reads everything; one bad row, or a wrong checksum, makes the whole database unreadable. */
  read(): SavedRules {
    const { saved, rulesSum, checksum } = this.#load();
    const expected = rulesSum + this.#smallTablesSum();
    if (checksum !== expected) {
      throw new DecodeError(`its checksum is ${checksum} and not ${expected}: data has changed`);
    }
    this.#rulesSum = rulesSum;
    this.#revision = saved.revision;
    this.#prepareHistory();
    return saved;
  }

  /**
   * A replacement also clears the restore error.
   *
   * @param made what is kept of the change, when it makes another revision
   */
  write(change: RuleChange, revision: Revision, made?: MadeChange): void {
    this.#rulesSum = this.#transaction(() => {
      if (revision.number !== this.#revision.number) this.#keep(revision, made);
      if (change.kind === 'replace') {
        this.#database.exec(`DELETE FROM meta WHERE key = 'restore_error'`);
      }
      const rulesSum = this.#rules.write(change, this.#rulesSum);
      if (hasLaterFields(change)) raiseVersion(this.#database);
      setMeta(this.#database, 'revision', BigInt(revision.number));
      setMeta(this.#database, 'record', encodeRecord(revision));
      this.#setChecksum(rulesSum);
      return rulesSum;
    });
    this.#revision = revision;
  }

  revisions(query: RevisionQuery): RevisionPage {
    this.#prepareHistory();
    return this.#history.page(query);
  }

  /** @throws FloxyError NOT_FOUND */
  wayBack(revision: number): WayBack {
    this.#prepareHistory();
    return this.#history.wayBack(revision);
  }

  /** Writes a copy that is consistent in itself. @param path of an empty file */
  copyTo(path: string): void {
    this.#database.prepare('VACUUM INTO ?').run(path);
  }

  /** Moves what the write-ahead log holds into the database: damage of the log then costs nothing. */
  checkpoint(): void {
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.#database.close();
  }

  #keep(revision: Revision, made: MadeChange | undefined): void {
    this.#history.prepare(this.#revision);
    this.#history.add(this.#revision, revision, made, () => this.#rules.undoItems());
  }

  /** Rules are of use without their history: what is in the way of it is told when it is asked for. */
  #prepareHistory(): void {
    if (this.#history.isPrepared) return;
    try {
      this.#transaction(() => this.#history.prepare(this.#revision));
    } catch (error) {
      if (toStoreFailure(error, this.#database.name) === undefined) throw error;
    }
  }

  #transaction<T>(job: () => T): T {
    try {
      const result = this.#database.transaction(job).immediate();
      this.#history.settle(true);
      return result;
    } catch (error) {
      this.#history.settle(false);
      throw error;
    }
  }

  #prepare(isRescue: boolean): void {
    // Before anything is read: two services must not share a database, and no -shm file is needed.
    this.#database.pragma('locking_mode = EXCLUSIVE');
    this.#database.pragma('trusted_schema = OFF');
    this.#database.pragma('cell_size_check = ON');
    this.#checkIdentity();
    const mode = this.#database.pragma('journal_mode = WAL', { simple: true });
    if (mode !== 'wal') {
      throw new StoreFailure('inaccessible', `SQLite refuses write-ahead logging (mode ${mode})`);
    }
    this.#database.pragma('synchronous = FULL');
    this.#database.pragma('foreign_keys = ON');
    this.#database.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`);
    // Earlier schemas have no checksum.
    const isChecked = isRescue && schemaVersion(this.#database) >= BASE_VERSION;
    const problem = isChecked || this.#database.pragma('integrity_check(1)', { simple: true });
    if (problem !== true && problem !== 'ok') {
      throw new StoreFailure('unreadable', String(problem).replaceAll(/\s+/g, ' '));
    }
    migrate(this.#database, () => this.#setChecksum(this.#load().rulesSum));
  }

  /** Comes before the first write, so that nothing of another program is touched. */
  #checkIdentity(): void {
    const id = this.#database.pragma('application_id', { simple: true });
    if (id !== APPLICATION_ID) {
      throw new StoreFailure('foreign', 'it is an SQLite database of another program');
    }
    const version = schemaVersion(this.#database);
    if (version > SCHEMA_VERSION) {
      throw new StoreFailure(
        'newer',
        `it was written by a newer version of floxy (schema ${version}; this one knows ${SCHEMA_VERSION})`,
      );
    }
  }

  #load(): Loaded {
    const meta = new Map(
      this.#database.prepare<[], [string, unknown]>('SELECT key, value FROM meta').raw().all(),
    );
    const restoreError = meta.get('restore_error');
    const { ruleSet, sum } = this.#rules.read();
    return {
      rulesSum: sum,
      checksum: meta.get(CHECKSUM_KEY),
      saved: {
        revision: {
          ...decodeRecord(meta.get('record')),
          number: decodeRevision(meta.get('revision')),
        },
        ruleSet,
        restoreError: restoreError === undefined ? undefined : String(restoreError),
      },
    };
  }

  #setChecksum(rulesSum: number): void {
    setMeta(this.#database, CHECKSUM_KEY, BigInt(rulesSum + this.#smallTablesSum()));
  }

  #smallTablesSum(): number {
    return tableSum(this.#database, 'meta') + tableSum(this.#database, 'default_outputs');
  }
}

function setMeta(database: Database, key: string, value: bigint | string): void {
  database.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value);
}

function decodeRevision(value: unknown): number {
  if (isRevisionNumber(value)) return value;
  throw new DecodeError(`the revision in table meta is ${JSON.stringify(value)}`);
}

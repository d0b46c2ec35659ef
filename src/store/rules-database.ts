import { statSync } from 'node:fs';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { messageOf } from '../base/errors.ts';
import {
  exporterKey,
  nextEraNumber,
  type Output,
  type Revision,
  type Rule,
  type RuleChange,
  type RuleEdit,
  type RuleSet,
} from '../model/rules.ts';
import { CHECKSUM_KEY, rowSum, tableSum } from './checksum.ts';
import { DecodeError, encodeOutput, RuleDecoder, RuleEncoder, type RuleRow } from './encoding.ts';
import { StoreFailure } from './failure.ts';
import { inSteps } from './reading-room.ts';
import { decodeRecord, encodeRecord, isRevisionNumber } from './revision-record.ts';
import { APPLICATION_ID, migrate, SCHEMA_VERSION, schemaVersion } from './schema.ts';

/** What a database holds. */
export interface SavedRules {
  readonly revision: Revision;
  readonly ruleSet: RuleSet;
  /** Why rules saved before this database was made could not be restored. */
  readonly restoreError: string | undefined;
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

/** The bytes of a new database without rules. */
export function newDatabaseImage(restoreError: string | undefined): Buffer {
  const database = new SqliteDatabase(':memory:');
  try {
    migrate(database, () => {
      if (restoreError !== undefined) {
        setMeta(database, 'restore_error', restoreError);
        setMeta(database, 'revision', BigInt(nextEraNumber()));
      }
      setMeta(database, CHECKSUM_KEY, BigInt(tableSum(database, 'meta')));
    });
    return database.serialize();
  } finally {
    database.close();
  }
}

/**
 * One open database of rules, held exclusively: to other processes it is locked. Its methods throw what
 * toStoreFailure understands. A write is one transaction, on disk when the method returns; one that threw
 * has changed nothing.
 */
export class RulesDatabase {
  readonly #database: Database;
  #rulesSum = 0;

  /**
   * Opens a database that exists, checks it and brings it to the present schema.
   *
   * @param busyTimeoutMs how long to wait for another process to let go of it
   */
  constructor(path: string, busyTimeoutMs: number) {
    const file = statSync(path);
    if (!file.isFile()) throw new StoreFailure('foreign', 'it is not a regular file');
    // To SQLite a file of 0 bytes is a new database; here it is one that lost its rules.
    if (file.size === 0) throw new StoreFailure('unreadable', 'the file is empty');
    this.#database = new SqliteDatabase(path, { fileMustExist: true, timeout: busyTimeoutMs });
    try {
      this.#prepare();
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
    return saved;
  }

  /**
   * A replacement also clears the restore error. An edit deletes, then adds; a rule that is there already keeps its
   * place.
   */
  write(change: RuleChange, revision: Revision): void {
    this.#rulesSum = this.#database
      .transaction(() => {
        const rulesSum =
          change.kind === 'replace' ? this.#replace(change.ruleSet) : this.#edit(change);
        setMeta(this.#database, 'revision', BigInt(revision.number));
        setMeta(this.#database, 'record', encodeRecord(revision));
        this.#setChecksum(rulesSum);
        return rulesSum;
      })
      .immediate();
  }

  /** Moves what the write-ahead log holds into the database: damage of the log then costs nothing. */
  checkpoint(): void {
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.#database.close();
  }

  #prepare(): void {
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
    const problem = this.#database.pragma('integrity_check(1)', { simple: true });
    if (problem !== 'ok') {
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
    const decoder = new RuleDecoder();
    const { rules, rulesSum } = this.#readRules(decoder);
    return {
      rulesSum,
      checksum: meta.get(CHECKSUM_KEY),
      saved: {
        revision: {
          ...decodeRecord(meta.get('record')),
          number: decodeRevision(meta.get('revision')),
        },
        ruleSet: { rules, defaultOutputs: this.#readDefaults(decoder) },
        restoreError: restoreError === undefined ? undefined : String(restoreError),
      },
    };
  }

  #readRules(decoder: RuleDecoder): { rules: Rule[]; rulesSum: number } {
    const rules: Rule[] = [];
    let rulesSum = 0;
    const rows = this.#database
      .prepare<[], [number, ...unknown[]]>(
        'SELECT position, exporter, rule, outputs FROM rules ORDER BY position',
      )
      .raw();
    for (const [position, exporter, rule, outputs] of inSteps(rows.iterate(), this.#countRules())) {
      rules.push(decodeRow('rules', position, () => decoder.rule(exporter, rule, outputs)));
      rulesSum += rowSum('rules', position, exporter, rule, outputs);
    }
    return { rules, rulesSum };
  }

  #countRules(): number {
    return Number(this.#database.prepare('SELECT count(*) FROM rules').pluck().get());
  }

  #readDefaults(decoder: RuleDecoder): Output[] {
    return this.#database
      .prepare<[], [number, unknown]>(
        'SELECT position, output FROM default_outputs ORDER BY position',
      )
      .raw()
      .all()
      .map(([position, output]) =>
        decodeRow('default_outputs', position, () => decoder.output(output)),
      );
  }

  /** @returns the sum over the rows of `rules`, as #edit() does */
  #replace({ rules, defaultOutputs }: RuleSet): number {
    this.#database.exec(`DELETE FROM rules; DELETE FROM meta WHERE key = 'restore_error'`);
    const insert = this.#database.prepare<[number, ...RuleRow]>(
      'INSERT INTO rules (position, exporter, rule, outputs) VALUES (?, ?, ?, ?)',
    );
    const encoder = new RuleEncoder();
    let sum = 0;
    for (const [index, rule] of rules.entries()) {
      const row = encoder.rule(rule);
      insert.run(index + 1, ...row);
      sum += rowSum('rules', index + 1, ...row);
    }
    this.#replaceDefaults(defaultOutputs);
    return sum;
  }

  #edit({ deleted, upserts, defaultOutputs }: RuleEdit): number {
    const remove = this.#database
      .prepare<[string], unknown[]>(
        'DELETE FROM rules WHERE exporter = ? RETURNING position, exporter, rule, outputs',
      )
      .raw();
    let sum = this.#rulesSum;
    for (const exporter of deleted) {
      const row = remove.get(exporterKey(exporter));
      if (row !== undefined) sum -= rowSum('rules', ...row);
    }
    const upsert = this.#upserter();
    const encoder = new RuleEncoder();
    for (const rule of upserts) sum += upsert(encoder.rule(rule));
    if (defaultOutputs !== undefined) this.#replaceDefaults(defaultOutputs);
    return sum;
  }

  /** @returns what writes a row, and returns by how much the sum over the rows grows */
  #upserter(): (row: RuleRow) => number {
    const find = this.#database
      .prepare<[string], unknown[]>(
        'SELECT position, exporter, rule, outputs FROM rules WHERE exporter = ?',
      )
      .raw();
    const upsert = this.#database
      .prepare<[...RuleRow], number>(
        `INSERT INTO rules (exporter, rule, outputs) VALUES (?, ?, ?)
         ON CONFLICT (exporter) DO UPDATE SET rule = excluded.rule, outputs = excluded.outputs
         RETURNING position`,
      )
      .pluck();
    return (row) => {
      const old = find.get(row[0]);
      const sum = rowSum('rules', upsert.get(...row), ...row);
      return old === undefined ? sum : sum - rowSum('rules', ...old);
    };
  }

  #replaceDefaults(outputs: readonly Output[]): void {
    this.#database.exec('DELETE FROM default_outputs');
    const insert = this.#database.prepare<[string]>(
      'INSERT INTO default_outputs (output) VALUES (?)',
    );
    for (const output of outputs) insert.run(encodeOutput(output));
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

function decodeRow<T>(table: string, position: number, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError(`row ${position} of table ${table}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function decodeRevision(value: unknown): number {
  if (isRevisionNumber(value)) return value;
  throw new DecodeError(`the revision in table meta is ${JSON.stringify(value)}`);
}

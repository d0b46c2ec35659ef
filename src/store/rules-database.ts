import { statSync } from 'node:fs';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { messageOf } from '../base/errors.ts';
import {
  exporterKey,
  type Output,
  type Revision,
  type Rule,
  type RuleChange,
  type RuleEdit,
  type RuleSet,
} from '../model/rules.ts';
import { DecodeError, encodeOutput, RuleDecoder, RuleEncoder, type RuleRow } from './encoding.ts';
import { StoreFailure } from './failure.ts';
import { decodeRecord, encodeRecord, isRevisionNumber } from './revision-record.ts';
import { APPLICATION_ID, migrate, SCHEMA_VERSION, schemaVersion } from './schema.ts';

/** What a database holds. */
export interface SavedRules {
  readonly revision: Revision;
  readonly ruleSet: RuleSet;
  /** Why rules saved before this database was made could not be restored. */
  readonly restoreError: string | undefined;
}

/** SQLite cuts the write-ahead log to this after a checkpoint; replacing many rules swells it. */
const WAL_LIMIT_BYTES = 4 * 1024 * 1024;

/** The bytes of a new database without rules. */
export function newDatabaseImage(restoreError: string | undefined): Buffer {
  const database = new SqliteDatabase(':memory:');
  try {
    migrate(database, () => {});
    if (restoreError !== undefined) {
      database
        .prepare(`INSERT INTO meta (key, value) VALUES ('restore_error', ?)`)
        .run(restoreError);
    }
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

  /** Reads everything; one bad row makes the whole database unreadable. */
  read(): SavedRules {
    const meta = new Map(
      this.#database
        .prepare<[], { key: string; value: unknown }>('SELECT key, value FROM meta')
        .all()
        .map((row) => [row.key, row.value]),
    );
    const restoreError = meta.get('restore_error');
    const decoder = new RuleDecoder();
    return {
      revision: {
        ...decodeRecord(meta.get('record')),
        number: decodeRevision(meta.get('revision')),
      },
      ruleSet: { rules: this.#readRules(decoder), defaultOutputs: this.#readDefaults(decoder) },
      restoreError: restoreError === undefined ? undefined : String(restoreError),
    };
  }

  /**
   * A replacement also clears the restore error. An edit deletes, then adds; a rule that is there already keeps its
   * place.
   */
  write(change: RuleChange, revision: Revision): void {
    this.#database
      .transaction(() => {
        if (change.kind === 'replace') this.#replace(change.ruleSet);
        else this.#edit(change);
        this.#setMeta('revision', BigInt(revision.number));
        this.#setMeta('record', encodeRecord(revision));
      })
      .immediate();
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
    migrate(this.#database, () => this.read());
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
        'unreadable',
        `it was written by a newer version of floxy (schema ${version}; this one knows ${SCHEMA_VERSION})`,
      );
    }
  }

  #readRules(decoder: RuleDecoder): Rule[] {
    const rules: Rule[] = [];
    const rows = this.#database
      .prepare<[], [number, unknown, unknown, unknown]>(
        'SELECT position, exporter, rule, outputs FROM rules ORDER BY position',
      )
      .raw();
    for (const [position, ...row] of rows.iterate()) {
      rules.push(decodeRow('rules', position, () => decoder.rule(...row)));
    }
    return rules;
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

  #replace({ rules, defaultOutputs }: RuleSet): void {
    this.#database.exec(`DELETE FROM rules; DELETE FROM meta WHERE key = 'restore_error'`);
    const insert = this.#database.prepare<[...RuleRow]>(
      'INSERT INTO rules (exporter, rule, outputs) VALUES (?, ?, ?)',
    );
    const encoder = new RuleEncoder();
    for (const rule of rules) insert.run(...encoder.rule(rule));
    this.#replaceDefaults(defaultOutputs);
  }

  #edit({ deleted, upserts, defaultOutputs }: RuleEdit): void {
    const remove = this.#database.prepare<[string]>('DELETE FROM rules WHERE exporter = ?');
    for (const exporter of deleted) remove.run(exporterKey(exporter));
    const upsert = this.#database.prepare<[...RuleRow]>(
      `INSERT INTO rules (exporter, rule, outputs) VALUES (?, ?, ?)
       ON CONFLICT (exporter) DO UPDATE SET rule = excluded.rule, outputs = excluded.outputs`,
    );
    const encoder = new RuleEncoder();
    for (const rule of upserts) upsert.run(...encoder.rule(rule));
    if (defaultOutputs !== undefined) this.#replaceDefaults(defaultOutputs);
  }

  #replaceDefaults(outputs: readonly Output[]): void {
    this.#database.exec('DELETE FROM default_outputs');
    const insert = this.#database.prepare<[string]>(
      'INSERT INTO default_outputs (output) VALUES (?)',
    );
    for (const output of outputs) insert.run(encodeOutput(output));
  }

  #setMeta(key: string, value: bigint | string): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
      .run(key, value);
  }
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

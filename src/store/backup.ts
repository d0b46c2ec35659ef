/** Copies of the database that somebody takes away, and what is read of one that comes back. */
import { statSync } from 'node:fs';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { FloxyError } from '../base/errors.ts';
import type { BackupContent, BackupExtra, BackupFile } from '../model/history.ts';
import { rowSum } from './checksum.ts';
import { makeCopyFile, removeCopy } from './database-file.ts';
import { StoreFailure, toStoreFailure } from './failure.ts';
import { type DatabaseOptions, RulesDatabase } from './rules-database.ts';

/** In the copy only. A copy can take the place of a database: nobody looks at this table there. */
const BACKUP_TABLE = `
  CREATE TABLE backup (
    key TEXT NOT NULL PRIMARY KEY, -- made_at, version: of the backup; pipelines: their document
    value TEXT NOT NULL,
    checksum INTEGER NOT NULL -- of the row
  ) STRICT, WITHOUT ROWID;
`;

const KEYS = { madeAt: 'made_at', version: 'version', pipelines: 'pipelines' } as const;

/**
 * Writes a copy beside the database.
 *
 * @param path of the database
 * @returns the caller removes the file
 * @throws what toStoreFailure() understands
 */
export function writeBackup(database: RulesDatabase, path: string, extra: BackupExtra): BackupFile {
  const copy = makeCopyFile(path);
  try {
    database.copyTo(copy);
    const { revision, rules } = addExtra(copy, extra);
    return { path: copy, bytes: statSync(copy).size, revision, rules };
  } catch (error) {
    removeCopy(copy);
    throw error;
  }
}

function addExtra(copy: string, extra: BackupExtra): { revision: number; rules: number } {
  const database = new SqliteDatabase(copy, { fileMustExist: true });
  try {
    database.exec(BACKUP_TABLE);
    const insert = database.prepare('INSERT INTO backup (key, value, checksum) VALUES (?, ?, ?)');
    for (const [name, key] of Object.entries(KEYS)) {
      const value = extra[name as keyof BackupExtra];
      if (value !== undefined) insert.run(key, value, BigInt(rowSum('backup', key, value)));
    }
    const number = (sql: string) => Number(database.prepare(sql).pluck().get());
    return {
      revision: number(`SELECT value FROM meta WHERE key = 'revision'`),
      rules: number('SELECT count(*) FROM rules'),
    };
  } finally {
    database.close();
  }
}

/**
 * Reads a backup, or the file of a database, which this may bring to the present schema.
 *
 * @param copy of makeCopyFile(), which stays
 * @throws FloxyError INVALID_INPUT when it is none, is damaged, or of a newer version
 */
export function readBackup(copy: string, options: DatabaseOptions): BackupContent {
  try {
    return readSound(copy, options);
  } catch (error) {
    const failure = toStoreFailure(error, copy);
    if (failure === undefined) throw error;
    throw refusalOf(failure);
  }
}

function readSound(copy: string, options: DatabaseOptions): BackupContent {
  const database = new RulesDatabase(copy, options);
  let saved: ReturnType<RulesDatabase['read']>;
  try {
    saved = database.read();
  } finally {
    database.close();
  }
  if (saved.restoreError !== undefined) {
    const message = `this is the copy of a database whose own rules were lost: ${saved.restoreError}`;
    throw new FloxyError('INVALID_INPUT', message);
  }
  return { ...readExtra(copy), revision: saved.revision.number, ruleSet: saved.ruleSet };
}

function readExtra(copy: string): Record<keyof typeof KEYS, string | undefined> {
  const database = new SqliteDatabase(copy, { fileMustExist: true, readonly: true });
  try {
    const found = hasExtra(database) ? readRows(database) : new Map<string, string>();
    const entries = Object.entries(KEYS).map(([name, key]) => [name, found.get(key)]);
    return Object.fromEntries(entries);
  } finally {
    database.close();
  }
}

function hasExtra(database: Database): boolean {
  const sql = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'backup'`;
  return database.prepare(sql).get() !== undefined;
}

function readRows(database: Database): Map<string, string> {
  const rows = database
    .prepare<[], [string, string, number]>('SELECT key, value, checksum FROM backup')
    .raw()
    .all();
  const bad = rows.find(([key, value, sum]) => rowSum('backup', key, value) !== sum);
  if (bad !== undefined)
    throw new StoreFailure('unreadable', `${bad[0]} of the backup has changed`);
  return new Map(rows.map(([key, value]) => [key, value]));
}

function refusalOf({ kind, message }: StoreFailure): FloxyError {
  switch (kind) {
    case 'full':
      return new FloxyError('LIMIT_EXCEEDED', `there is no room to look at the backup: ${message}`);
    case 'large':
      return new FloxyError('LIMIT_EXCEEDED', `there is no memory for the backup: ${message}`);
    case 'unreadable':
      return new FloxyError(
        'INVALID_INPUT',
        `this is no backup of floxy, or it is damaged: ${message}`,
      );
    case 'foreign':
    case 'newer':
      return new FloxyError('INVALID_INPUT', `this is no backup that can be used: ${message}`);
    case 'busy':
    case 'moved':
    case 'inaccessible':
      return new FloxyError('STORE_UNWRITABLE', `the backup cannot be looked at: ${message}`);
  }
}

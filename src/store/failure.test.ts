import assert from 'node:assert/strict';
import { test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import { DecodeError } from './encoding.ts';
import { toFloxyError, toStoreFailure } from './failure.ts';

const PATH = '/tmp/collector.db';

function errnoError(code: string): Error {
  return Object.assign(new Error(`${code}: it failed`), { code, errno: -1 });
}

for (const [code, kind, floxyCode] of [
  ['SQLITE_NOTADB', 'unreadable', 'STORE_UNWRITABLE'],
  ['SQLITE_CORRUPT_INDEX', 'unreadable', 'STORE_UNWRITABLE'],
  ['SQLITE_BUSY_RECOVERY', 'busy', 'STORE_UNWRITABLE'],
  ['SQLITE_FULL', 'full', 'LIMIT_EXCEEDED'],
  ['SQLITE_READONLY_DIRECTORY', 'inaccessible', 'STORE_UNWRITABLE'],
  ['SQLITE_CANTOPEN', 'inaccessible', 'STORE_UNWRITABLE'],
  ['SQLITE_IOERR_FSYNC', 'inaccessible', 'STORE_UNWRITABLE'],
] as const) {
  test(`${code} is ${kind}: ${floxyCode} that names the file`, () => {
    const failure = toStoreFailure(new SqliteDatabase.SqliteError('it failed', code), PATH);
    assert.equal(failure?.kind, kind);
    const error = toFloxyError(failure, PATH);
    assert.equal(error.code, floxyCode);
    assert.match(error.message, /\/tmp\/collector\.db.*it failed.*the rules are unchanged/);
  });
}

test('errors of the file system: no room and no quota are a full disk, others are not', () => {
  assert.equal(toStoreFailure(errnoError('ENOSPC'), PATH)?.kind, 'full');
  assert.equal(toStoreFailure(errnoError('EDQUOT'), PATH)?.kind, 'full');
  assert.equal(toStoreFailure(errnoError('EROFS'), PATH)?.kind, 'inaccessible');
});

test('a row that cannot be decoded makes the database unreadable', () => {
  assert.equal(toStoreFailure(new DecodeError('bad row'), PATH)?.kind, 'unreadable');
});

test('faults of the program are not hidden as failures of the database', () => {
  const constraint = new SqliteDatabase.SqliteError('twice', 'SQLITE_CONSTRAINT_UNIQUE');
  assert.equal(toStoreFailure(constraint, PATH), undefined);
  assert.equal(toStoreFailure(new TypeError('undefined'), PATH), undefined);
});

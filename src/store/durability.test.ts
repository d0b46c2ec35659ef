/** What has to be on disk when a write returns, and who may read it. */
import assert from 'node:assert/strict';
import fs, { chmodSync, readlinkSync, statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { databasePath, openedStore, temporaryDirectory } from '../../test/lab/rule-store.ts';
import { connectionsOf } from '../../test/lab/sqlite-connections.ts';

/** Names of what is synced during a test, in order. */
function syncedDuring(t: TestContext): readonly string[] {
  const names: string[] = [];
  const { fsyncSync } = fs;
  t.mock.method(fs, 'fsyncSync', (descriptor: number) => {
    names.push(readlinkSync(`/proc/self/fd/${descriptor}`));
    fsyncSync(descriptor);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return names;
}

test('A8: each commit is synced, by one process that has the database for itself', (t) => {
  const connections = connectionsOf(t);
  const { store } = openedStore(temporaryDirectory(t));
  t.after(() => store.close());
  const connection = connections.at(-1);
  const pragma = (name: string) => connection?.pragma(name, { simple: true });
  assert.equal(
    pragma('synchronous'),
    2,
    'FULL: with NORMAL a power failure takes the last commits',
  );
  assert.equal(pragma('journal_mode'), 'wal');
  assert.equal(pragma('locking_mode'), 'exclusive');
});

test('A8: a new database is synced before it gets its name, and its folder after', (t) => {
  const directory = temporaryDirectory(t);
  const synced = syncedDuring(t);
  const { store } = openedStore(directory);
  t.after(() => store.close());
  const path = databasePath(directory);
  assert.equal(synced.length, 2);
  assert.match(synced[0] ?? '', /collector\.db\.new-/);
  assert.equal(synced[1], dirname(path));
});

test('a database that others may read is closed to them', (t) => {
  const directory = temporaryDirectory(t);
  openedStore(directory).store.close();
  const path = databasePath(directory);
  chmodSync(path, 0o664);
  const { store } = openedStore(directory);
  t.after(() => store.close());
  assert.equal(statSync(path).mode & 0o777, 0o660);
});

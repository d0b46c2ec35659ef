/** What happens to a database while it is open and nobody writes, or somebody else does something to its file. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  adding,
  databasePath,
  floxyError,
  numberedRule,
  openedStore,
  quietStore,
  replacing,
  temporaryDirectory,
} from '../../test/lab/rule-store.ts';
import { ruleSet } from '../../test/support/rule-sets.ts';

const first = ruleSet([numberedRule(1)]);
const both = ruleSet([numberedRule(1), numberedRule(2)]);
const second = adding(numberedRule(2));

function storeWithRules(t: TestContext) {
  const directory = join(temporaryDirectory(t), 'data');
  const { store } = openedStore(directory);
  t.after(() => store.close());
  store.write(replacing(first), { number: 1 });
  return { store, path: databasePath(directory) };
}

const elsewhere = (path: string) => `${dirname(path)}.away`;

for (const [what, happen] of [
  ['removed with its folder', (path) => rmSync(dirname(path), { recursive: true })],
  ['moved away', (path) => renameSync(path, `${path}.old`)],
  ['moved away with its folder', (path) => renameSync(dirname(path), elsewhere(path))],
  [
    'replaced by another one',
    (path) => {
      const other = quietStore(`${path}.backup`);
      other.open();
      other.write(replacing(ruleSet([numberedRule(9)])), { number: 9 });
      other.close();
      renameSync(`${path}.backup`, path);
    },
  ],
] as [string, (path: string) => void][]) {
  test(`A8: a database that was ${what}: no change is acknowledged, until all rules go to a new file`, (t) => {
    const { store, path } = storeWithRules(t);
    happen(path);
    store.tend();
    assert.equal(store.status().state, 'Offline');
    assert.match(store.status().error ?? '', /moved, removed or replaced.*replace all rules/);
    const isRefused = floxyError('STORE_UNWRITABLE', /moved, removed or replaced/);
    assert.throws(() => store.write(second, { number: 2 }), isRefused);
    store.write(replacing(both), { number: 2 });
    assert.deepEqual(store.status(), { state: 'OK' });
    store.write(adding(numberedRule(3)), { number: 3 });
    store.close();
    const { revision, ruleSet: saved } = quietStoreAt(t, path);
    assert.deepEqual([revision.number, saved.rules.length], [3, 3]);
  });
}

function quietStoreAt(t: TestContext, path: string) {
  const store = quietStore(path);
  t.after(() => store.close());
  return store.open();
}

test('a database that is put back is used again', (t) => {
  const { store, path } = storeWithRules(t);
  renameSync(path, `${path}.old`);
  store.tend();
  assert.equal(store.status().state, 'Offline');
  renameSync(`${path}.old`, path);
  store.tend();
  assert.deepEqual(store.status(), { state: 'OK' });
  store.write(second, { number: 2 });
});

test('what hindered a write and has gone shows without another write', (t) => {
  const { store, path } = storeWithRules(t);
  store.close();
  rmSync(dirname(path), { recursive: true });
  writeFileSync(dirname(path), 'in the way');
  const pending = quietStore(path);
  t.after(() => pending.close());
  assert.equal(pending.open().isPending, true);
  rmSync(dirname(path));
  mkdirSync(dirname(path));
  pending.tend();
  assert.equal(pending.status().state, 'Offline', 'open() finds the rules');
  assert.equal(pending.open().isPending, undefined);
  assert.deepEqual(pending.status(), { state: 'OK' });
});

test('the write-ahead log is emptied when nobody writes', (t) => {
  const { store, path } = storeWithRules(t);
  assert.ok(statSync(`${path}-wal`).size > 0);
  store.tend();
  assert.equal(statSync(`${path}-wal`).size, 0);
  store.write(second, { number: 2 });
  assert.ok(statSync(`${path}-wal`).size > 0);
});

test('what a power failure left of making a database is removed', (t) => {
  const { store, path } = storeWithRules(t);
  store.close();
  writeFileSync(`${path}.new-0dd0`, 'draft');
  writeFileSync(`${path}.newer`, 'not ours');
  assert.deepEqual(store.open().ruleSet, first);
  assert.ok(!existsSync(`${path}.new-0dd0`));
  assert.deepEqual(readdirSync(dirname(path)).sort(), [
    'collector.db',
    'collector.db-wal',
    'collector.db.newer',
  ]);
});

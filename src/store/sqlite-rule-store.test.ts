import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import SqliteDatabase from 'better-sqlite3';
import {
  adding,
  floxyError,
  manyRules,
  quietStore,
  reopen,
  replacing,
  temporaryDirectory,
} from '../../test/lab/rule-store.ts';
import { outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import type { SqliteRuleStore } from './sqlite-rule-store.ts';

const collectorA = '192.0.2.1:2055';
const collectorB = '2001:db8::b';
const first = rule('198.51.100.9', [collectorA]);
const second = rule('198.51.100.1:4000', [collectorA, collectorB], [collectorB]);
const third = rule('[2001:db8::1]:4000');
const NO_CHANGE = adding();

function openStore(t: TestContext, path: string): SqliteRuleStore {
  const store = quietStore(path);
  t.after(() => store.close());
  store.open();
  return store;
}

test('a database that does not exist is made: no rules, revision 0, state OK', (t) => {
  const path = join(temporaryDirectory(t), 'new/deeper/collector.db');
  const store = quietStore(path);
  assert.deepEqual(store.status(), { state: 'Configuring' });
  assert.deepEqual(store.open(), { revision: { number: 0 }, ruleSet: ruleSet([]) });
  assert.deepEqual(store.status(), { state: 'OK' });
  assert.deepEqual(reopen(store), { revision: { number: 0 }, ruleSet: ruleSet([]) });
  store.close();
});

test('the files are closed to others', (t) => {
  const directory = join(temporaryDirectory(t), 'data');
  const path = join(directory, 'collector.db');
  const store = openStore(t, path);
  store.write(replacing(ruleSet([first])), { number: 1 });
  for (const name of [directory, path, `${path}-wal`]) {
    assert.equal(statSync(name).mode & 0o007, 0, name);
  }
});

test('A1: everything comes back in its order: ports and none, IPv4 and IPv6, no outputs', (t) => {
  const store = openStore(t, join(temporaryDirectory(t), 'collector.db'));
  const given = {
    rules: [third, first, second],
    defaultOutputs: outputs([collectorB, collectorA], [collectorA]),
  };
  store.write(replacing(given), { number: 7 });
  assert.deepEqual(reopen(store), { revision: { number: 7 }, ruleSet: given });
});

test('A2: a replacement leaves nothing of what was there', (t) => {
  const store = openStore(t, join(temporaryDirectory(t), 'collector.db'));
  store.write(replacing({ rules: [first, second], defaultOutputs: outputs([collectorA]) }), {
    number: 1,
  });
  store.write(replacing(ruleSet([third])), { number: 2 });
  assert.deepEqual(reopen(store), { revision: { number: 2 }, ruleSet: ruleSet([third]) });
});

test('A3: an updated rule keeps its place, new ones go to the end, default outputs stay', (t) => {
  const store = openStore(t, join(temporaryDirectory(t), 'collector.db'));
  const defaultOutputs = outputs([collectorA]);
  store.write(replacing({ rules: [first, second], defaultOutputs }), { number: 1 });
  const changed = rule('198.51.100.9', [collectorB], [collectorA]);
  store.write({ ...NO_CHANGE, upserts: [third, changed] }, { number: 2 });
  const rules = [changed, second, third];
  assert.deepEqual(reopen(store), { revision: { number: 2 }, ruleSet: { rules, defaultOutputs } });
});

test('A3: given default outputs replace the present ones, an empty list removes them', (t) => {
  const store = openStore(t, join(temporaryDirectory(t), 'collector.db'));
  store.write(replacing({ rules: [], defaultOutputs: outputs([collectorA], [collectorB]) }), {
    number: 1,
  });
  const defaultOutputs = outputs([collectorB, collectorA]);
  store.write({ ...NO_CHANGE, defaultOutputs }, { number: 2 });
  assert.deepEqual(reopen(store).ruleSet.defaultOutputs, defaultOutputs);
  store.write({ ...NO_CHANGE, defaultOutputs: [] }, { number: 3 });
  assert.deepEqual(reopen(store), { revision: { number: 3 }, ruleSet: ruleSet([]) });
});

test('A4: only the exact exporter is deleted; one that comes back goes to the end', (t) => {
  const store = openStore(t, join(temporaryDirectory(t), 'collector.db'));
  const withPort = rule('198.51.100.9:4000', [collectorB]);
  store.write(replacing(ruleSet([first, withPort, second])), { number: 1 });
  store.write({ ...NO_CHANGE, deleted: [first.exporter] }, { number: 2 });
  assert.deepEqual(reopen(store).ruleSet, ruleSet([withPort, second]));
  store.write({ ...NO_CHANGE, upserts: [first] }, { number: 3 });
  assert.deepEqual(reopen(store), {
    revision: { number: 3 },
    ruleSet: ruleSet([withPort, second, first]),
  });
});

test('A8: a change that fails half way changes nothing', (t) => {
  const store = openStore(t, join(temporaryDirectory(t), 'collector.db'));
  const before = { rules: [first], defaultOutputs: outputs([collectorA]) };
  store.write(replacing(before), { number: 1 });
  assert.throws(
    () => store.write(replacing(ruleSet([second, third, second])), { number: 2 }),
    /UNIQUE/,
  );
  assert.deepEqual(reopen(store), { revision: { number: 1 }, ruleSet: before });
  store.write(replacing(ruleSet([second])), { number: 2 });
  assert.deepEqual(reopen(store), { revision: { number: 2 }, ruleSet: ruleSet([second]) });
});

test('A9: a large revision survives', (t) => {
  const store = openStore(t, join(temporaryDirectory(t), 'collector.db'));
  store.write({ ...NO_CHANGE, upserts: [first] }, { number: Number.MAX_SAFE_INTEGER });
  assert.equal(reopen(store).revision.number, Number.MAX_SAFE_INTEGER);
});

test('V6: 100,000 rules are kept, and an update writes only what it touches', (t) => {
  const path = join(temporaryDirectory(t), 'collector.db');
  const store = openStore(t, path);
  const many = manyRules(100_000);
  store.write(replacing(many), { number: 1 });
  store.close();
  store.open();
  const changed = rule('10.0.0.5', [collectorB]);
  store.write({ ...NO_CHANGE, upserts: [changed] }, { number: 2 });
  assert.ok(statSync(`${path}-wal`).size < 100_000, 'the log holds a few pages');
  const restored = reopen(store);
  assert.deepEqual(restored.ruleSet.rules[5], changed);
  assert.deepEqual(restored.ruleSet.rules.toSpliced(5, 1), many.rules.toSpliced(5, 1));
});

test('a closed database can be read with any SQLite tool', (t) => {
  const path = join(temporaryDirectory(t), 'collector.db');
  const store = openStore(t, path);
  store.write(replacing(ruleSet([second])), { number: 1 });
  store.close();
  const database = new SqliteDatabase(path, { readonly: true });
  t.after(() => database.close());
  assert.deepEqual(database.prepare('SELECT * FROM rules').all(), [
    {
      position: 1,
      exporter: '198.51.100.1:4000',
      rule: '{"exporter":{"endpoint":{"host":"198.51.100.1","port":4000}}}',
      outputs:
        '[{"collectors":[{"endpoint":{"host":"192.0.2.1","port":2055}},{"endpoint":{"host":"2001:db8::b"}}]},{"collectors":[{"endpoint":{"host":"2001:db8::b"}}]}]',
    },
  ]);
});

test('A10: writes before open() and after close() are refused as not ready', (t) => {
  const store = quietStore(join(temporaryDirectory(t), 'collector.db'));
  assert.throws(
    () => store.write(replacing(ruleSet([first])), { number: 1 }),
    floxyError('NOT_READY', /not open/),
  );
  store.open();
  store.close();
  assert.throws(() => store.write(NO_CHANGE, { number: 1 }), floxyError('NOT_READY', /not open/));
  assert.equal(store.status().state, 'Offline');
});

test('an open store keeps no copy of the rules', async (t) => {
  const store = openStore(t, join(temporaryDirectory(t), 'collector.db'));
  store.write(replacing(manyRules(100)), { number: 1 });
  store.close();
  const restored = new WeakRef(store.open().ruleSet);
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  // What a WeakRef was made of lives to the end of the turn.
  await setImmediate();
  collectGarbage();
  assert.equal(restored.deref(), undefined);
});

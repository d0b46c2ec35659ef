import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import {
  databasePath,
  floxyError,
  HISTORY_LIMITS,
  manyRules,
  numberedRule,
  replacing,
  temporaryDirectory,
} from '../../test/lab/rule-store.ts';
import { waitFor } from '../../test/lab/shell.ts';
import { ThreadedRuleStore } from './threaded-rule-store.ts';

function makeStore(path: string) {
  const said: string[] = [];
  const say = (_fields: object, message: string) => {
    said.push(message);
  };
  return {
    store: new ThreadedRuleStore({
      path,
      historyLimits: HISTORY_LIMITS,
      log: { info: say, warn: say, error: say },
    }),
    said,
  };
}

test('A10: what goes through the thread comes back equal and in order, and others run meanwhile', async (t) => {
  const path = databasePath(temporaryDirectory(t));
  const { store, said } = makeStore(path);
  assert.equal(store.status().state, 'Configuring');
  assert.equal((await store.open()).revision.number, 0);
  assert.ok(said.some((message) => message.startsWith('new, empty database')));
  const { rules } = manyRules(5_000);
  const defaultOutputs = numberedRule(1).outputs;
  let turns = 0;
  const count = setInterval(() => turns++, 1);
  await store.write(replacing({ rules, defaultOutputs }), { number: 1 });
  clearInterval(count);
  assert.ok(turns > 0);
  const added = [numberedRule(2), numberedRule(3)];
  const deleted = rules.slice(0, 2000).map(({ exporter }) => exporter);
  await store.write({ kind: 'edit', upserts: added, deleted }, { number: 2 });
  assert.deepEqual(store.status(), { state: 'OK' });
  await store.close();
  assert.equal(store.status().state, 'Offline');

  const again = makeStore(path).store;
  const { revision, ruleSet } = await again.open();
  await again.close();
  assert.equal(revision.number, 2);
  assert.deepEqual(ruleSet, { rules: [...rules.slice(2000), ...added], defaultOutputs });
});

test('a failure comes through as what it is, and changes nothing', async (t) => {
  const path = databasePath(temporaryDirectory(t));
  mkdirSync(path);
  const { store } = makeStore(path);
  const { restoreError } = await store.open();
  assert.match(restoreError ?? '', /regular file/);
  const ruleSet = { rules: [numberedRule(1)], defaultOutputs: [] };
  await assert.rejects(
    store.write(replacing(ruleSet), { number: 1 }),
    floxyError('STORE_UNWRITABLE', /regular file/),
  );
  assert.equal(store.status().state, 'Offline');
  await store.close();
  await assert.rejects(
    store.write(replacing(ruleSet), { number: 1 }),
    floxyError('NOT_READY', /not open/),
  );
});

test('A10: a database that is pending is opened again by the same thread, and told when it changes by itself', async (t) => {
  const path = databasePath(temporaryDirectory(t));
  mkdirSync(path);
  const { store } = makeStore(path);
  assert.equal((await store.open()).isPending, true);
  assert.equal((await store.open()).isPending, true);
  rmdirSync(path);
  assert.equal((await store.open()).restoreError, undefined);
  assert.deepEqual(store.status(), { state: 'OK' });
  const { rules } = manyRules(1);
  await store.write(replacing({ rules, defaultOutputs: [] }), { number: 1 });
  rmSync(path);
  await waitFor('it is missed', () => /moved, removed/.test(store.status().error ?? ''));
  await store.close();
  assert.ok(!process.getActiveResourcesInfo().includes('MessagePort'), 'no thread is left');
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import { requireRoot } from '../../test/lab/require-root.ts';
import {
  databasePath,
  floxyError,
  HISTORY_LIMITS,
  manyRules,
  numberedRule,
  openedStore,
  reopen,
  replacing,
  saveAndDie,
  temporaryDirectory,
} from '../../test/lab/rule-store.ts';
import {
  both,
  runScenario,
  type Scenarios,
  saved,
  scenarioCommand,
  update,
} from '../../test/lab/store-scenarios.ts';
import { ruleSet } from '../../test/support/rule-sets.ts';
import type { SqliteRuleStore } from './sqlite-rule-store.ts';
import { StoreQuestions } from './store-questions.ts';

const NOBODY = 65_534;

/** Those whose name begins with `mount` run in a private mount namespace with a tmpfs of 1 MiB on the directory. */
const scenarios: Scenarios = {
  'open as nobody'(directory) {
    process.setgid?.(NOBODY);
    process.setuid?.(NOBODY);
    assert.equal(process.geteuid?.(), NOBODY);
    assertRestoredButNotWritable(openedStore(directory), 1, saved, /EACCES/);
  },

  'mount read-only'(directory) {
    saveAndDie(directory);
    const before = contentsOf(directory);
    remount(directory, 'ro');
    const { store, restored } = openedStore(directory);
    assertRestoredButNotWritable({ store, restored }, 2, both, /EROFS/);
    assert.deepEqual(contentsOf(directory), before);

    remount(directory, 'rw');
    const third = numberedRule(3);
    store.write({ ...update, upserts: [third] }, { number: 3 });
    assert.deepEqual(store.status(), { state: 'OK' });
    assert.deepEqual(reopen(store), {
      revision: { number: 3 },
      ruleSet: ruleSet([...both.rules, third]),
    });
  },

  'mount read-only, then another database'(directory) {
    saveAndDie(directory);
    remount(directory, 'ro');
    const { store } = openedStore(directory);
    remount(directory, 'rw');
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
    assert.throws(
      () => store.write(update, { number: 3 }),
      floxyError('STORE_UNWRITABLE', /revision 0.*restart/),
    );
    assert.throws(
      () => store.write(update, { number: 3 }),
      floxyError('STORE_UNWRITABLE', /revision 0.*restart/),
    );
    store.write(replacing(both), { number: 3 });
    assert.deepEqual(store.status(), { state: 'OK' });
    assert.deepEqual(reopen(store), { revision: { number: 3 }, ruleSet: both });
  },

  'mount read-only, damaged'(directory) {
    writeFileSync(databasePath(directory), 'not a database');
    remount(directory, 'ro');
    const { store, restored } = openedStore(directory);
    assert.match(restored.restoreError ?? '', /unreadable.*left as it is/);
    assert.deepEqual(restored.ruleSet, ruleSet([]));
    assert.equal(store.status().state, 'Offline');
    remount(directory, 'rw');
    store.write(replacing(saved), { number: 1 });
    assert.deepEqual(store.status(), { state: 'OK' });
    assert.equal(readdirSync(directory).filter((name) => name.includes('unreadable')).length, 1);
  },

  'mount read-only, empty'(directory) {
    remount(directory, 'ro');
    const { store, restored } = openedStore(directory);
    assert.deepEqual(restored, { revision: { number: 0 }, ruleSet: ruleSet([]) });
    assert.match(store.status().error ?? '', /EROFS/);
    remount(directory, 'rw');
    store.write(update, { number: 1 });
    assert.deepEqual(store.status(), { state: 'OK' });
  },

  'mount full'(directory) {
    const other = join(directory, 'other');
    writeFileSync(other, Buffer.alloc(ROOM_BYTES));
    const store = openedStore(directory).store;
    store.write(replacing(saved), { number: 1 });
    assert.throws(
      () => store.write(replacing(manyRules(30_000)), { number: 2 }),
      floxyError('LIMIT_EXCEEDED', /disk with .*collector\.db is full/),
    );
    assert.match(store.status().error ?? '', /is full/);
    assert.equal(store.status().state, 'Offline');
    store.write(update, { number: 2 });
    assert.deepEqual(store.status(), { state: 'OK' });

    fillUp(directory);
    assert.throws(() => growUntilFull(store), floxyError('LIMIT_EXCEEDED', /is full/));
    const reader = new SqliteDatabase(databasePath(directory), { timeout: 0 });
    assert.throws(() => reader.pragma('user_version'), /locked/, 'it is held still');
    reader.close();
    rmSync(other);
    store.tend();
    assert.deepEqual(store.status(), { state: 'OK' });
    const { number } = reopen(store).revision;
    store.write(replacing(both), { number: number + 1 });
    assert.deepEqual(store.status(), { state: 'OK' });
    assert.deepEqual(reopen(store), { revision: { number: number + 1 }, ruleSet: both });
  },

  'mount full, backup'(directory) {
    const { store } = openedStore(directory);
    store.write(replacing(manyRules(500)), { number: 1 });
    const ballast = fillUp(directory);
    const path = databasePath(directory);
    const questions = new StoreQuestions({ store, path, historyLimits: HISTORY_LIMITS });
    const extra = { madeAt: '2026-11-26T00:00:00.000Z', version: '0', pipelines: undefined };
    assert.throws(() => questions.backup(extra), floxyError('LIMIT_EXCEEDED', /full.*make room/));
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.includes('.copy-')),
      [],
    );
    assert.deepEqual(store.status(), { state: 'OK' });
    rmSync(ballast);
    const { rules, bytes, path: copy } = questions.backup(extra);
    assert.equal(rules, 500);
    assert.ok(bytes > 0);
    questions.removeCopy(copy);
    assert.deepEqual(reopen(store).ruleSet, manyRules(500));
  },

  'mount full at start'(directory) {
    saveAndDie(directory);
    const ballast = fillUp(directory);
    const { store, restored } = openedStore(directory);
    assert.deepEqual(restored, { revision: { number: 2 }, ruleSet: both });
    store.close();
    rmSync(ballast);
    rmSync(databasePath(directory));

    const ballastAgain = fillUp(directory);
    const fresh = openedStore(directory);
    assert.deepEqual(fresh.restored, { revision: { number: 0 }, ruleSet: ruleSet([]) });
    assert.match(fresh.store.status().error ?? '', /is full/);
    assert.throws(
      () => fresh.store.write(update, { number: 1 }),
      floxyError('LIMIT_EXCEEDED', /is full/),
    );
    rmSync(ballastAgain);
    fresh.store.write(update, { number: 1 });
    assert.deepEqual(fresh.store.status(), { state: 'OK' });
    assert.deepEqual(reopen(fresh.store), {
      revision: { number: 1 },
      ruleSet: ruleSet([numberedRule(2)]),
    });
  },

  'mount full and damaged'(directory) {
    const path = databasePath(directory);
    writeFileSync(path, 'not a database');
    const ballast = fillUp(directory);
    const { store, restored } = openedStore(directory);
    assert.match(restored.restoreError ?? '', /unreadable.*left as it is/);
    assert.deepEqual(readdirSync(directory).sort(), ['ballast', 'collector.db']);
    assert.equal(readFileSync(path, 'utf8'), 'not a database');
    rmSync(ballast);
    assert.match(store.open().restoreError ?? '', /unreadable.*is kept as/);
    assert.equal(store.status().state, 'NotConfigured');
    assert.match(reopen(store).restoreError ?? '', /unreadable.*is kept as/);
  },
};

function contentsOf(directory: string) {
  return readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]);
}

function assertRestoredButNotWritable(
  { store, restored }: ReturnType<typeof openedStore>,
  revision: number,
  expected: typeof saved,
  reason: RegExp,
): void {
  assert.deepEqual(restored, { revision: { number: revision }, ruleSet: expected });
  assert.equal(store.status().state, 'Offline');
  assert.match(store.status().error ?? '', reason);
  const isRefused = floxyError(
    'STORE_UNWRITABLE',
    /collector\.db cannot be written.*make the file/,
  );
  assert.throws(() => store.write(update, { number: revision + 1 }), isRefused);
  assert.throws(() => store.write(replacing(ruleSet([])), { number: revision + 1 }), isRefused);
}

function remount(directory: string, mode: 'ro' | 'rw'): void {
  mount('-o', `remount,${mode}`, directory);
}

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  assert.equal(status, 0, `mount ${args.join(' ')}: ${stderr}`);
}

/** What is made free on a full disk: its log fills all that there was. */
const ROOM_BYTES = 128 * 1024;

/** Leaves no free block on the file system of a directory. */
function fillUp(directory: string): string {
  const ballast = join(directory, 'ballast');
  for (const bytes of [65_536, 4096, 1]) {
    try {
      for (;;) writeFileSync(ballast, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      assert.match(String(error), /ENOSPC/);
    }
  }
  return ballast;
}

/** Small changes fit into the space that the log holds already: so more and more of them. */
function growUntilFull(store: SqliteRuleStore): void {
  for (let revision = 3; revision < 1000; revision++) {
    store.write({ ...update, upserts: [numberedRule(revision)] }, { number: revision });
  }
}

/** Runs a scenario to its end in a private mount namespace. */
function runIsolated(t: TestContext, scenario: string): void {
  const directory = temporaryDirectory(t);
  const scratch = temporaryDirectory(t);
  const command = scenarioCommand(import.meta.url, scenario, directory);
  const { status, stderr } = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', ...command],
    { encoding: 'utf8', env: { ...process.env, TMPDIR: scratch } },
  );
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(scratch), [], 'private copies are removed');
}

function defineTests(): void {
  test('without permission to write, the rules are restored', { skip: requireRoot() }, (t) => {
    const directory = temporaryDirectory(t);
    const store = openedStore(directory).store;
    store.write(replacing(saved), { number: 1 });
    store.close();
    chmodSync(directory, 0o755);
    chmodSync(databasePath(directory), 0o644);
    const [file = '', ...args] = scenarioCommand(import.meta.url, 'open as nobody', directory);
    const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

  for (const [scenario, name] of [
    ['mount read-only', 'on a read-only disk rules are restored, also those in the log'],
    ['mount read-only, then another database', 'a database lost meanwhile is not taken for ours'],
    ['mount read-only, damaged', 'on a read-only disk a damaged database stays where it is'],
    ['mount read-only, empty', 'a read-only disk without a database has lost no rules'],
    ['mount full', 'on a full disk a change fails wholly, and works when there is room'],
    [
      'mount full, backup',
      'A33: on a full disk a backup fails, leaves nothing behind and costs no rules',
    ],
    ['mount full at start', 'on a full disk rules are restored, and a new one is made later'],
    ['mount full and damaged', 'on a full disk a damaged database waits until there is room'],
  ] as const) {
    test(name, { skip: requireRoot() }, (t) => runIsolated(t, scenario));
  }
}

function mountWhenNeeded(scenario: string, directory: string): void {
  if (scenario.startsWith('mount')) mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory);
}

if (!runScenario(scenarios, mountWhenNeeded)) defineTests();

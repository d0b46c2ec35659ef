import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import {
  databasePath,
  floxyError,
  HISTORY_LIMITS,
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
import type { MadeChange } from '../model/history.ts';
import type { Rule } from '../model/rules.ts';
import type { SqliteRuleStore } from './sqlite-rule-store.ts';
import { StoreQuestions } from './store-questions.ts';

const scenarios: Scenarios = {
  'hold the database'(directory) {
    openedStore(directory).store.write(replacing(saved), { number: 1 });
    writeSync(1, 'ready\n');
    setInterval(() => undefined, 1000);
  },

  'write without end'(directory) {
    const store = openedStore(directory).store;
    for (let revision = 1; ; revision++) {
      const change = { ...update, upserts: [numberedRule(revision)] };
      store.write(change, { number: revision }, addedTo(revision - 1, numberedRule(revision)));
      writeSync(1, `${revision}\n`);
    }
  },
};

/** What is kept of a change that added a rule to so many others, each by a revision of its own. */
function addedTo(count: number, { exporter }: Rule): MadeChange {
  const size = { added: 1, removed: 0, changed: 0, areDefaultOutputsChanged: false };
  return {
    previous: count,
    size: { ...size, isReordered: false },
    rules: count + 1,
    undo: { kind: 'edit', added: [exporter], changed: [], removed: [] },
  };
}

/** Numbers of the revisions that are kept, the newest first; the rules of each can be told. */
function keptRevisions(store: SqliteRuleStore): number[] {
  const path = 'not used';
  const questions = new StoreQuestions({ store, path, historyLimits: HISTORY_LIMITS });
  const { revisions } = questions.revisions({ limit: 1000 });
  assert.ok(revisions.every(({ isRestorable }) => isRestorable));
  const [oldest] = revisions.slice(-1);
  assert.equal(questions.wayBack(oldest?.revision.number ?? 0).steps.length, revisions.length - 1);
  return revisions.map(({ revision }) => revision.number);
}

function startChild(t: TestContext, scenario: string, directory: string): ChildProcess {
  const [file = '', ...args] = scenarioCommand(import.meta.url, scenario, directory);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

function defineTests(): void {
  test('A8, A30: what was acknowledged before kill -9 is there afterwards, with its history', async (t) => {
    const directory = temporaryDirectory(t);
    const child = startChild(t, 'write without end', directory);
    assert.ok(child.stdout);
    let acknowledged = 0;
    for await (const line of createInterface(child.stdout)) {
      acknowledged = Number(line);
      if (acknowledged >= 50) child.kill('SIGKILL');
    }
    const { store, restored } = openedStore(directory);
    const { number } = restored.revision;
    t.after(() => store.close());
    assert.ok(acknowledged >= 50);
    assert.ok(number === acknowledged || number === acknowledged + 1);
    const expected = Array.from({ length: number }, (_, i) => numberedRule(i + 1));
    assert.deepEqual(restored.ruleSet, ruleSet([...expected]));
    const newestFirst = Array.from({ length: number }, (_, i) => number - i);
    assert.deepEqual(keptRevisions(store), newestFirst);
    store.write(update, { number: number + 1 });
  });

  test('A8: the last change is there when the process died right after it', (t) => {
    const directory = temporaryDirectory(t);
    saveAndDie(directory);
    const { store, restored } = openedStore(directory);
    t.after(() => store.close());
    assert.deepEqual(restored, { revision: { number: 2 }, ruleSet: both });
    assert.deepEqual(store.status(), { state: 'OK' });
  });

  test('a log with changes is kept when its database is damaged', (t) => {
    const directory = temporaryDirectory(t);
    saveAndDie(directory);
    const path = databasePath(directory);
    const log = readFileSync(`${path}-wal`);
    writeFileSync(path, Buffer.alloc(8192, 0x5a));
    writeFileSync(`${path}-wal`, log.fill(0, 0, 32));
    const { store, restored } = openedStore(directory);
    t.after(() => store.close());
    assert.match(restored.restoreError ?? '', /unreadable/);
    const kept = readdirSync(directory).find((name) => /unreadable.*-wal$/.test(name)) ?? '';
    assert.deepEqual(readFileSync(join(directory, kept)), log);
    assert.ok(!existsSync(`${path}.log-guard`));
  });

  test('two services never share a database; the second takes it over when the first ends', async (t) => {
    const directory = temporaryDirectory(t);
    const child = startChild(t, 'hold the database', directory);
    assert.ok(child.stdout);
    await once(child.stdout, 'data');
    const { store, restored } = openedStore(directory);
    t.after(() => store.close());
    assert.match(restored.restoreError ?? '', /cannot be opened: database is locked/);
    assert.equal(store.status().state, 'Offline');
    const isLocked = floxyError('STORE_UNWRITABLE', /locked.*stop the other process/);
    assert.throws(() => store.write(replacing(ruleSet([])), { number: 1 }), isLocked);

    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    assert.throws(() => store.write(update, { number: 1 }), floxyError('NOT_READY', /locked/));
    assert.deepEqual(store.open(), { revision: { number: 1 }, ruleSet: saved });
    assert.deepEqual(store.status(), { state: 'OK' });
    store.write(update, { number: 2 });
    assert.deepEqual(store.status(), { state: 'OK' });
    assert.deepEqual(reopen(store), { revision: { number: 2 }, ruleSet: both });
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.includes('unreadable')),
      [],
    );
  });

  test('a directory that cannot be made: Offline, and writes go on when the way is free', (t) => {
    const directory = join(temporaryDirectory(t), 'data');
    writeFileSync(directory, 'in the way');
    const { store, restored } = openedStore(directory);
    t.after(() => store.close());
    assert.match(restored.restoreError ?? '', /could not be restored.*data/);
    assert.deepEqual(restored.ruleSet, ruleSet([]));
    assert.equal(store.status().state, 'Offline');
    assert.equal(restored.isPending, true);
    assert.throws(
      () => store.write(replacing(saved), { number: 1 }),
      floxyError('STORE_UNWRITABLE', /cannot be written/),
    );
    rmSync(directory);
    assert.deepEqual(store.open(), { revision: { number: 0 }, ruleSet: ruleSet([]) });
    store.write(update, { number: 1 });
    assert.deepEqual(store.status(), { state: 'OK' });
    assert.deepEqual(reopen(store), {
      revision: { number: 1 },
      ruleSet: ruleSet([numberedRule(2)]),
    });
  });

  test('rules that turn up later are not overwritten by an update', (t) => {
    const directory = join(temporaryDirectory(t), 'data');
    writeFileSync(directory, 'in the way');
    const { store } = openedStore(directory);
    t.after(() => store.close());
    rmSync(directory);
    const other = openedStore(directory).store;
    other.write(replacing(saved), { number: 9 });
    other.close();
    assert.throws(
      () => store.write(update, { number: 1 }),
      floxyError('NOT_READY', /in the way|data/),
    );
    assert.deepEqual(store.open(), { revision: { number: 9 }, ruleSet: saved });
  });

  test('a damaged database that turns up later is kept, and the new one takes updates', (t) => {
    const directory = join(temporaryDirectory(t), 'data');
    writeFileSync(directory, 'in the way');
    const { store } = openedStore(directory);
    t.after(() => store.close());
    rmSync(directory);
    mkdirSync(directory);
    writeFileSync(databasePath(directory), 'not a database');
    const { revision } = store.open();
    store.write(update, { number: revision.number + 1 });
    assert.equal(store.status().state, 'NotConfigured');
    assert.match(store.status().error ?? '', /unreadable.*is kept as/);
  });

  test('a path that is a directory is refused, and nothing is moved', (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(databasePath(directory));
    const { store, restored } = openedStore(directory);
    assert.match(restored.restoreError ?? '', /not a regular file/);
    assert.throws(
      () => store.write(replacing(saved), { number: 1 }),
      floxyError('STORE_UNWRITABLE', /regular file/),
    );
    assert.deepEqual(readdirSync(directory), ['collector.db']);
  });
}

if (!runScenario(scenarios)) defineTests();

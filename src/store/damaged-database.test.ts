import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import {
  adding,
  floxyError,
  manyRules,
  quietStore,
  replacing,
  temporaryDirectory,
} from '../../test/lab/rule-store.ts';
import { openKeptRules } from '../../test/support/kept-rules.ts';
import { rule, ruleSet } from '../../test/support/rule-sets.ts';
import { SCHEMA_VERSION } from './schema.ts';

const saved = manyRules(300);
const replacement = ruleSet([rule('198.51.100.1', ['192.0.2.1:2055'])]);
const update = adding(...replacement.rules);
const PAGE_BYTES = 4096;

/** A closed database that holds `saved` as revision 5. */
function savedDatabase(t: TestContext): string {
  const path = join(temporaryDirectory(t), 'collector.db');
  const store = quietStore(path);
  store.open();
  store.write(replacing(saved), { number: 5 });
  store.close();
  return path;
}

function keptFiles(path: string): string[] {
  return readdirSync(join(path, '..'))
    .filter((name) => name.includes('.unreadable-'))
    .map((name) => join(path, '..', name))
    .sort();
}

function execute(path: string, sql: string): void {
  const database = new SqliteDatabase(path);
  database.exec(sql);
  database.close();
}

/** Checks the whole life after a damage: kept aside, told over restarts, repaired by a replacement. */
function assertMovedAside(t: TestContext, path: string, reason: RegExp): void {
  const damaged = readFileSync(path);
  const store = quietStore(path);
  t.after(() => store.close());
  const { restoreError = '', revision, ...restored } = store.open();
  assert.deepEqual(restored, { ruleSet: ruleSet([]) });
  assert.ok(revision.number > 1_700_000_000, 'a number that was never used');
  assert.match(restoreError, reason);
  const [kept = '', ...others] = keptFiles(path);
  assert.deepEqual(others, []);
  assert.ok(restoreError.includes(kept), `${restoreError} names ${kept}`);
  assert.deepEqual(readFileSync(kept), damaged);
  assert.deepEqual(store.status(), { state: 'NotConfigured', error: restoreError });

  const next = { number: revision.number + 1 };
  store.write(update, next);
  store.close();
  assert.deepEqual(store.open(), { revision: next, ruleSet: replacement, restoreError });
  assert.deepEqual(store.status(), { state: 'NotConfigured', error: restoreError });

  store.write(replacing(saved), { number: 2 });
  assert.deepEqual(store.status(), { state: 'OK' });
  store.close();
  assert.deepEqual(store.open(), { revision: { number: 2 }, ruleSet: saved });
  assert.deepEqual(keptFiles(path), [kept]);
}

test('random bytes in place of the database are kept aside', (t) => {
  const path = savedDatabase(t);
  writeFileSync(path, randomBytes(20_000));
  assertMovedAside(t, path, /not a database/);
});

test('a text file in place of the database is kept aside', (t) => {
  const path = savedDatabase(t);
  writeFileSync(path, 'rules { }\n');
  assertMovedAside(t, path, /not a database/);
});

test('a database cut off in the middle is kept aside', (t) => {
  const path = savedDatabase(t);
  truncateSync(path, 3 * PAGE_BYTES + 100);
  assertMovedAside(t, path, /unreadable/);
});

test('a database cut to nothing is not taken for a new one', (t) => {
  const path = savedDatabase(t);
  truncateSync(path, 0);
  assertMovedAside(t, path, /empty/);
});

test('damage of any one page is either found or harmless', (t) => {
  const path = savedDatabase(t);
  const sound = readFileSync(path);
  const pages = sound.length / PAGE_BYTES;
  assert.ok(pages > 8, 'tables and index have pages of their own');
  for (let page = 0; page < pages; page++) {
    for (const bytes of [Buffer.alloc(512), Buffer.alloc(512, 0xff), randomBytes(512)]) {
      const damaged = Buffer.from(sound);
      damaged.set(bytes, page * PAGE_BYTES);
      writeFileSync(path, damaged);
      const store = quietStore(path);
      const { restoreError, ruleSet: restored } = store.open();
      if (restoreError === undefined)
        store.write({ ...update, upserts: saved.rules }, { number: 6 });
      const { error } = store.status();
      store.close();
      assert.deepEqual(restored, restoreError === undefined ? saved : ruleSet([]), `page ${page}`);
      assert.equal(keptFiles(path).length, error === undefined ? 0 : 1, 'what is found is told');
      for (const kept of keptFiles(path)) {
        assert.deepEqual(readFileSync(kept), damaged);
        rmSync(kept);
      }
    }
  }
});

test('a database of a newer version waits for it where it is: there and back again loses nothing', (t) => {
  const path = savedDatabase(t);
  execute(path, 'PRAGMA user_version = 99');
  const older = quietStore(path);
  const { restoreError, isPending } = older.open();
  assert.match(restoreError ?? '', /newer version of floxy \(schema 99.*start the newer version/);
  assert.equal(isPending, true);
  assert.equal(older.open().isPending, true);
  older.tend();
  older.close();
  assert.deepEqual(keptFiles(path), []);
  execute(path, `PRAGMA user_version = ${SCHEMA_VERSION}`);
  const newer = quietStore(path);
  t.after(() => newer.close());
  assert.deepEqual(newer.open(), { revision: { number: 5 }, ruleSet: saved });
});

test('a database of a newer version is kept aside when all rules are replaced', (t) => {
  const path = savedDatabase(t);
  execute(path, 'PRAGMA user_version = 99');
  const written = readFileSync(path);
  const store = quietStore(path);
  t.after(() => store.close());
  store.open();
  store.write(replacing(replacement), { number: 1_800_000_000 });
  assert.deepEqual(store.status(), { state: 'OK' });
  assert.deepEqual(readFileSync(keptFiles(path)[0] ?? ''), written);
  store.close();
  assert.deepEqual(store.open(), { revision: { number: 1_800_000_000 }, ruleSet: replacement });
});

for (const [what, sql, reason] of [
  ['JSON that is none', `UPDATE rules SET outputs = '[[' WHERE position = 9`, /row 9 .*not JSON/],
  [
    'an address that is none',
    `UPDATE rules SET rule = replace(rule, '10.', '300.') WHERE position = 3`,
    /row 3 of table rules: .*rule\.exporter\.endpoint\.host: "300\..*" is not an IPv4/,
  ],
  [
    'a port that is none',
    `UPDATE rules SET outputs = replace(outputs, '2055', '70000') WHERE position = 4`,
    /70000 is not within 0 to 65535/,
  ],
  [
    'a rule of another exporter',
    `UPDATE rules SET exporter = '192.0.2.77' WHERE position = 4`,
    /row 4 of table rules: "192.0.2.77" is not the exporter/,
  ],
  [
    'default outputs that are none',
    `INSERT INTO default_outputs (output) VALUES ('{}'), ('[]')`,
    /default_outputs/,
  ],
  ['a revision that is none', `UPDATE meta SET value = 'x' WHERE key = 'revision'`, /revision/],
  ['no revision', 'DELETE FROM meta', /revision/],
  ['a missing table', 'DROP TABLE rules', /no such table/],
  ['a missing column', 'ALTER TABLE rules DROP COLUMN outputs', /no such column/],
] as const) {
  test(`a database with ${what} is kept aside`, (t) => {
    const path = savedDatabase(t);
    execute(path, sql);
    assertMovedAside(t, path, reason);
  });
}

test('a second unreadable database does not overwrite the first that is kept', (t) => {
  const path = savedDatabase(t);
  for (const content of ['first', 'second', 'third']) {
    writeFileSync(path, content);
    const store = quietStore(path);
    assert.match(store.open().restoreError ?? '', /unreadable/);
    store.close();
  }
  const contents = keptFiles(path).map((kept) => readFileSync(kept, 'utf8'));
  assert.deepEqual(contents.sort(), ['first', 'second', 'third']);
});

test('the side files of an unreadable database are kept with it', (t) => {
  const path = savedDatabase(t);
  writeFileSync(path, randomBytes(20_000));
  writeFileSync(`${path}-wal`, 'log');
  const store = quietStore(path);
  t.after(() => store.close());
  assert.match(store.open().restoreError ?? '', /unreadable/);
  const [kept = '', log = ''] = keptFiles(path);
  assert.equal(log, `${kept}-wal`);
  assert.equal(readFileSync(log, 'utf8'), 'log');
});

test('a log without its database is told, not deleted: rules may be missing', (t) => {
  const path = savedDatabase(t);
  rmSync(path);
  writeFileSync(`${path}-wal`, 'log');
  const store = quietStore(path);
  t.after(() => store.close());
  assert.match(store.open().restoreError ?? '', /is gone; what is left of it is kept as/);
  assert.equal(readFileSync(keptFiles(path)[0] ?? '', 'utf8'), 'log');
});

test('a crash while a database is moved aside does not make it forgotten', (t) => {
  const path = savedDatabase(t);
  rmSync(path);
  const kept = `${path}.unreadable-20260101T000000Z`;
  writeFileSync(kept, 'damaged');
  const store = quietStore(path);
  t.after(() => store.close());
  const { restoreError } = store.open();
  assert.ok(restoreError?.includes(kept), restoreError);
  assert.deepEqual(store.status(), { state: 'NotConfigured', error: restoreError });
});

test('a database of another program is left alone', (t) => {
  const path = join(temporaryDirectory(t), 'other.db');
  execute(path, `CREATE TABLE precious (a); INSERT INTO precious VALUES (1)`);
  const before = readFileSync(path);
  const store = quietStore(path);
  assert.match(store.open().restoreError ?? '', /another program/);
  assert.equal(store.status().state, 'Offline');
  assert.throws(
    () => store.write(replacing(replacement), { number: 1 }),
    floxyError('STORE_UNWRITABLE', /another program.*COLLECTOR_DATABASE_PATH/),
  );
  store.close();
  assert.deepEqual(readFileSync(path), before);
  assert.deepEqual(keptFiles(path), []);
});

test('A30: damage of the history takes the history, not the rules', async (t) => {
  const path = join(temporaryDirectory(t), 'collector.db');
  {
    await using kept = await openKeptRules(path);
    for (let i = 1; i <= 200; i++) {
      const change = adding(rule(`192.0.2.${i}`, [`198.51.100.${i}:${i}`]));
      await kept.control.change(change, undefined, { author: 'alice' });
    }
  }
  const { rules: expected } = savedRules(path);
  const database = new SqliteDatabase(path, { readonly: true });
  const page = database
    .prepare<[], number>(`SELECT rootpage FROM sqlite_schema WHERE name = 'history_parts'`)
    .pluck()
    .get();
  database.close();
  const bytes = readFileSync(path);
  randomBytes(PAGE_BYTES).copy(bytes, ((page ?? 0) - 1) * PAGE_BYTES);
  writeFileSync(path, bytes);
  const store = quietStore(path);
  t.after(() => store.close());
  const { revision, ruleSet: restored, restoreError } = store.open();
  assert.equal(restoreError, undefined);
  assert.deepEqual([revision.number, revision.author, restored.rules], [200, 'alice', expected]);
  const [kept = ''] = keptFiles(path);
  assert.deepEqual(readFileSync(kept), bytes);
  const { state, error = '' } = store.status();
  assert.equal(state, 'OK');
  assert.match(
    error,
    /was damaged: .*; its rules are whole and in a new one, their history is lost; .*kept as/,
  );
  assert.ok(error.includes(kept));
  store.close();
  await using again = await openKeptRules(path);
  await again.control.change(adding(rule('192.0.2.201')));
  const { revisions } = await again.history.revisions({ limit: 10 });
  assert.deepEqual(
    revisions.map(({ revision: { number } }) => number),
    [201, 200],
  );
});

function savedRules(path: string) {
  const store = quietStore(path);
  const { ruleSet: saved } = store.open();
  store.close();
  return saved;
}

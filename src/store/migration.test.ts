/** Databases of earlier versions of the schema. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import SqliteDatabase from 'better-sqlite3';
import fc from 'fast-check';
import { databasePath, quietStore, temporaryDirectory } from '../../test/lab/rule-store.ts';
import { arbitraryRuleSet } from '../../test/support/arbitrary-rules.ts';
import { outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { makeCollector, type Output, type RuleSet } from '../model/rules.ts';
import { BASE_VERSION, SCHEMA_VERSION, schemaVersion } from './schema.ts';

/** As version 1 made it, APPLICATION_ID included. */
const SCHEMA_1 = `
  CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY, -- revision: of the rules; restore_error: why earlier rules are missing
    value ANY
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE rules (
    position INTEGER PRIMARY KEY, -- order of the rules
    exporter_host TEXT NOT NULL,
    exporter_port INTEGER NOT NULL, -- 0 = any
    outputs TEXT NOT NULL, -- JSON: a list of outputs, each a list of collectors ["host", port]; port 0 = none
    UNIQUE (exporter_host, exporter_port)
  ) STRICT;

  CREATE TABLE default_outputs (
    position INTEGER PRIMARY KEY, -- order of the outputs
    collectors TEXT NOT NULL -- JSON: a list of collectors ["host", port]; port 0 = none
  ) STRICT;

  INSERT INTO meta (key, value) VALUES ('revision', 0);
  PRAGMA application_id = 0x466c7879;
  PRAGMA user_version = 1;
`;

/** What version 1 knew of any rules: the endpoints. */
function knownToVersion1({ rules, defaultOutputs }: RuleSet): RuleSet {
  const known = ({ collectors }: Output): Output[] =>
    collectors === undefined
      ? []
      : [{ collectors: collectors.map(({ endpoint }) => makeCollector(endpoint)) }];
  return {
    rules: rules.map(({ exporter: { endpoint }, outputs: list }) => ({
      exporter: { endpoint },
      outputs: list.flatMap(known),
    })),
    defaultOutputs: defaultOutputs.flatMap(known),
  };
}

/** Writes rules as version 1 did. */
function writeVersion1(path: string, { rules, defaultOutputs }: RuleSet, revision: number): void {
  const pairs = ({ collectors = [] }: Output) =>
    collectors.map(({ endpoint }) => [endpoint.host, endpoint.port]);
  const database = new SqliteDatabase(path);
  database.pragma('journal_mode = WAL');
  database.exec(SCHEMA_1);
  const insert = database.prepare(
    'INSERT INTO rules (exporter_host, exporter_port, outputs) VALUES (?, ?, ?)',
  );
  database.transaction(() => {
    for (const { exporter, outputs: list } of rules) {
      const { host, port } = exporter.endpoint;
      insert.run(host, port, JSON.stringify(list.map(pairs)));
    }
    for (const output of defaultOutputs) {
      database
        .prepare('INSERT INTO default_outputs (collectors) VALUES (?)')
        .run(JSON.stringify(pairs(output)));
    }
    database.prepare(`UPDATE meta SET value = ? WHERE key = 'revision'`).run(BigInt(revision));
  })();
  database.close();
}

function execute(path: string, sql: string): void {
  const database = new SqliteDatabase(path);
  database.exec(sql);
  database.close();
}

test('a database of version 1 keeps its rules, their order and its revision, for good', (t: TestContext) => {
  const saved = ruleSet(
    [
      rule('192.0.2.2', ['198.51.100.1:9995', '2001:db8::1'], ['198.51.100.1']),
      rule('192.0.2.1:2055', ['198.51.100.1:9995', '2001:db8::1'], ['198.51.100.1']),
      rule('[2001:db8::9]:1', ['[2001:db8::1]:4739']),
      rule('2001:db8::9'),
    ],
    outputs(['198.51.100.9', '198.51.100.8:1'], ['2001:db8::7']),
  );
  const path = databasePath(temporaryDirectory(t));
  writeVersion1(path, saved, 41);
  for (const time of ['migrated', 'opened again']) {
    const store = quietStore(path);
    const { revision, ruleSet: restored } = store.open();
    assert.deepEqual(
      [revision.number, restored, store.status()],
      [41, saved, { state: 'OK' }],
      time,
    );
    store.close();
  }
  assert.deepEqual(readdirSync(dirname(path)), ['collector.db']);
});

test('a rule can be changed and deleted in a database of version 1', (t) => {
  const path = databasePath(temporaryDirectory(t));
  const [one, two, three] = ['192.0.2.1', '192.0.2.2:5', '2001:db8::3'].map((name) => rule(name));
  assert.ok(one && two && three);
  writeVersion1(path, ruleSet([one, two, three]), 1);
  const store = quietStore(path);
  store.open();
  const changed = rule('192.0.2.2:5', ['198.51.100.1']);
  store.write({ kind: 'edit', deleted: [one.exporter], upserts: [changed] }, { number: 2 });
  store.close();
  assert.deepEqual(store.open().ruleSet, ruleSet([changed, three]));
  store.close();
});

test('any rules survive the change of the schema', (t) => {
  const directory = temporaryDirectory(t);
  let number = 0;
  fc.assert(
    fc.property(arbitraryRuleSet({ isPlain: true }).map(knownToVersion1), (saved) => {
      const path = join(directory, `${number++}.db`);
      writeVersion1(path, saved, 1);
      const store = quietStore(path);
      assert.deepEqual(store.open().ruleSet, saved);
      store.close();
    }),
    { numRuns: 25 },
  );
});

test('a database gets a version that earlier programs refuse with the first rules that they cannot read', (t) => {
  const directory = temporaryDirectory(t);
  let number = 0;
  fc.assert(
    fc.property(arbitraryRuleSet({ isPlain: true }), arbitraryRuleSet(), (plain, any) => {
      const path = join(directory, `${number++}.db`);
      const written = (ruleSetNow: RuleSet, revision: number) => {
        const store = quietStore(path);
        store.open();
        store.write({ kind: 'replace', ruleSet: ruleSetNow }, { number: revision });
        store.close();
        assert.deepEqual(store.open().ruleSet, ruleSetNow);
        store.close();
        return versionOf(path);
      };
      assert.equal(written(plain, 1), BASE_VERSION);
      const isPlain = isDeepStrictEqual(plainPart(any), any);
      const later = isPlain ? BASE_VERSION : SCHEMA_VERSION;
      assert.equal(written(any, 2), later);
      // Their history has them still.
      assert.equal(written(plain, 3), later);
    }),
    { numRuns: 50 },
  );
});

/** What a program knew that had neither networks nor anything else that can be left out. */
function plainPart({ rules, defaultOutputs }: RuleSet): RuleSet {
  const plain = ({ collectors, pipeline }: Output): Output =>
    collectors === undefined
      ? { pipeline }
      : { collectors: collectors.map(({ endpoint, weight }) => ({ endpoint, weight })) };
  return {
    rules: rules.map(({ exporter: { endpoint }, outputs: list }) => ({
      exporter: { endpoint },
      outputs: list.map(plain),
    })),
    defaultOutputs: defaultOutputs.map(plain),
  };
}

function versionOf(path: string): number {
  const database = new SqliteDatabase(path, { readonly: true });
  const version = schemaVersion(database);
  database.close();
  return version;
}

for (const [what, sql] of [
  ['text that is no JSON', `UPDATE rules SET outputs = '[[' WHERE position = 2`],
  ['JSON of another shape', `UPDATE rules SET outputs = '[[["x"]]]' WHERE position = 2`],
  ['an address that is none', `UPDATE rules SET exporter_host = '10.0.0.300' WHERE position = 2`],
  ['a port that is none', `UPDATE rules SET exporter_port = 70000 WHERE position = 2`],
  ['an output without collectors', `INSERT INTO default_outputs (collectors) VALUES ('[]')`],
] as const) {
  test(`a database of version 1 with ${what} is kept aside as it was`, (t) => {
    const path = databasePath(temporaryDirectory(t));
    writeVersion1(path, ruleSet([rule('192.0.2.1'), rule('192.0.2.2', ['198.51.100.1'])]), 3);
    execute(path, sql);
    const damaged = readFileSync(path);
    const store = quietStore(path);
    t.after(() => store.close());
    assert.match(store.open().restoreError ?? '', /unreadable/);
    const kept = readdirSync(dirname(path)).filter((name) => name.includes('.unreadable-'));
    assert.equal(kept.length, 1);
    assert.deepEqual(readFileSync(join(dirname(path), kept[0] ?? '')), damaged);
  });
}

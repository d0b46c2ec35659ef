/** `floxy backup` and `floxy restore` against a real node. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import { Node } from '../follower/node.ts';
import { manyRules } from '../lab/rule-store.ts';
import { host, outputs, rule, ruleEdit, ruleSet } from '../support/rule-sets.ts';
import { runFloxy } from './fake-terminal.ts';

const SAVED = ruleSet(
  [rule('192.0.2.1', ['198.51.100.1:9995']), rule('192.0.2.2:1000', ['198.51.100.1'])],
  outputs(['198.51.100.9']),
);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'floxy-backup-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function nodeWith(rules: typeof SAVED): Promise<Node> {
  const node = await Node.start({ hostAddresses: () => host(['203.0.113.1']) });
  await node.control.change({ kind: 'replace', ruleSet: rules }, 0, { author: 'alice' });
  return node;
}

const floxy = ({ address }: { readonly address: string }, ...args: string[]) =>
  runFloxy(['--api', address, ...args]);

test('A33: a backup is made while changes go on, is of one moment, and only its owner may read it', async (t) => {
  const file = join(folderOf(t), 'floxy.backup');
  await using here = await nodeWith(manyRules(5000));
  let revision = 1;
  let isOver = false;
  const changing = (async () => {
    while (!isOver) {
      revision += 1;
      await here.control.change(ruleEdit([], [rule(`198.18.${revision >> 8}.${revision & 255}`)]));
    }
  })();
  const run = await floxy(here, 'backup', file);
  isOver = true;
  await changing;
  assert.deepEqual([run.exitCode, run.errors], [0, '']);
  assert.match(
    run.output,
    /revision \d+, [\d,]+ rules, made .* UTC by floxy 0\.1\.0, with pipelines, [\d,]+ bytes\n$/,
  );
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const [, of, rules] = /revision (\d+), (\d+) rules/.exec(run.output) ?? [];
  assert.equal(Number(rules), 5000 + Number(of) - 1, 'a rule for each revision');
  assert.deepEqual(
    readdirSync(here.folder).filter((name) => name.includes('.copy-')),
    [],
  );
  const database = new SqliteDatabase(file, { readonly: true });
  assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
  assert.equal(database.prepare('SELECT count(*) FROM history').pluck().get(), Number(of));
  database.close();
});

test('A33: a backup never takes the place of a file unless that is meant', async (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'floxy.backup');
  writeFileSync(file, 'precious');
  await using here = await nodeWith(SAVED);
  const refused = await floxy(here, 'backup', file);
  assert.deepEqual(refused, {
    exitCode: 2,
    output: '',
    errors: `floxy: ${file} exists: pass --force to replace it\n`,
  });
  assert.equal(readFileSync(file, 'utf8'), 'precious');
  assert.equal((await floxy(here, 'backup', '--force', file)).exitCode, 0);
  assert.equal(readFileSync(file).subarray(0, 15).toString(), 'SQLite format 3');
  const nowhere = await floxy(here, 'backup', join(folder, 'missing', 'x'));
  assert.match(nowhere.errors, /missing\/x cannot be written: ENOENT/);
  assert.deepEqual(readdirSync(folder), ['floxy.backup']);
});

test('A34: a restore makes the rules those of the backup, as a new revision; the history goes on', async (t) => {
  const file = join(folderOf(t), 'floxy.backup');
  await using here = await nodeWith(SAVED);
  await floxy(here, 'backup', file);
  await here.control.change(ruleEdit(['192.0.2.1'], [rule('192.0.2.7')]));
  const tried = await floxy(here, 'restore', file, '--dry-run');
  assert.match(tried.output, /^# backup: revision 1, 2 rules, made .*\n/);
  assert.match(tried.output, /\n\+ 192\.0\.2\.1 +198\.51\.100\.1:9995\n/);
  assert.match(tried.output, /\n- 192\.0\.2\.7 +none, its packets are dropped\n/);
  assert.match(tried.output, /dry run, nothing was changed: revision 2 stays\n$/);
  assert.equal(here.control.rules().revision, 2);
  const done = await floxy(here, 'restore', file, '-m', 'CHG3');
  assert.deepEqual([done.exitCode, done.errors], [0, '']);
  assert.match(
    done.output,
    /pipelines: the same\nthe rules are those of the backup, as revision 3\n$/,
  );
  const { revision, ruleSet: restored } = here.control.rules();
  assert.equal(revision, 3);
  assert.deepEqual(new Set(restored.rules), new Set(SAVED.rules));
  const { output } = await floxy(here, 'rules', 'history');
  assert.match(output, /Restore .*CHG3\n[^\n]+\n[^\n]+alice/);
  const again = await floxy(here, 'restore', file);
  assert.match(again.output, /already: revision 3 stays\n$/);
});

test('A34: a backup is restored on another node, and can take the place of a lost database', async (t) => {
  const file = join(folderOf(t), 'floxy.backup');
  {
    await using lost = await nodeWith(SAVED);
    await floxy(lost, 'backup', file);
  }
  await using other = await nodeWith(ruleSet([]));
  await floxy(other, 'restore', file);
  assert.deepEqual(other.control.rules().ruleSet, SAVED);
  const folder = folderOf(t);
  copyFileSync(file, join(folder, 'collector.db'));
  await using again = await Node.start({ folder });
  assert.deepEqual(again.control.rules(), { revision: 1, ruleSet: SAVED });
  const { output } = await floxy(again, 'rules', 'history');
  assert.match(output, /alice/);
});

for (const [what, spoil, expected] of [
  [
    'of another kind',
    () => Buffer.from('rules: {}\n'.repeat(2000)),
    /is no backup of floxy, or it is damaged: file is not a database/,
  ],
  [
    'that is empty',
    () => Buffer.alloc(0),
    /is no backup of floxy, or it is damaged: the file is empty/,
  ],
  [
    'cut short',
    (bytes: Buffer) => bytes.subarray(0, bytes.length - 5000),
    /is no backup of floxy, or it is damaged/,
  ],
  [
    'with a flipped bit in a rule',
    flipInRule,
    /is no backup of floxy, or it is damaged: .*(checksum|not what this version writes)/,
  ],
] as const) {
  test(`A34: a file ${what} is refused, and nothing changes`, async (t) => {
    const file = join(folderOf(t), 'floxy.backup');
    await using here = await nodeWith(SAVED);
    await floxy(here, 'backup', file);
    writeFileSync(file, spoil(readFileSync(file)));
    const run = await floxy(here, 'restore', file);
    assert.equal(run.exitCode, 2);
    assert.match(run.errors, expected);
    assert.ok(run.errors.startsWith(`floxy: ${file}: INVALID_ARGUMENT: `), run.errors);
    assert.equal(here.control.rules().revision, 1);
    assert.deepEqual(
      readdirSync(here.folder).filter((name) => name.includes('.copy-')),
      [],
    );
  });
}

function flipInRule(bytes: Buffer): Buffer {
  const at = bytes.indexOf('"port":9995');
  assert.ok(at > 0);
  const flipped = Buffer.from(bytes);
  flipped[at + 7] = (flipped[at + 7] ?? 0) ^ 1;
  return flipped;
}

test('A34: the database of another program, and one of a newer version, are refused', async (t) => {
  const folder = folderOf(t);
  await using here = await nodeWith(SAVED);
  const foreign = join(folder, 'foreign.db');
  const other = new SqliteDatabase(foreign);
  other.exec('CREATE TABLE t (x)');
  other.close();
  assert.match(
    (await floxy(here, 'restore', foreign)).errors,
    /is an SQLite database of another program/,
  );
  const newer = join(folder, 'newer');
  await floxy(here, 'backup', newer);
  const database = new SqliteDatabase(newer);
  database.pragma('user_version = 99');
  database.close();
  assert.match((await floxy(here, 'restore', newer)).errors, /written by a newer version of floxy/);
  assert.match(
    (await floxy(here, 'restore', join(folder, 'none'))).errors,
    /none: cannot be read: ENOENT/,
  );
  assert.equal(here.control.rules().revision, 1);
});

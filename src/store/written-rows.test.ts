/** What a change costs the database, counted in rows. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import { manyRules, quietStore, replacing, temporaryDirectory } from '../../test/lab/rule-store.ts';
import { connectionsOf } from '../../test/lab/sqlite-connections.ts';
import { rule } from '../../test/support/rule-sets.ts';
import { compareRules } from '../rules/comparison.ts';
import { changeBetween } from '../rules/difference.ts';
import { sizeOf, undoOf } from '../rules/undo.ts';

/** Rows of `meta` that every change writes. */
const META_ROWS = 3;
/** Who, when and how much; and what undoes it. */
const HISTORY_ROWS = 2;

test('one exporter swapped for another among 100,000 rules is an edit of two rows', async (t: TestContext) => {
  const connections = connectionsOf(t);
  const store = quietStore(join(temporaryDirectory(t), 'collector.db'));
  t.after(() => store.close());
  store.open();
  const from = manyRules(100_000);
  store.write(replacing(from), { number: 1 });
  const to = {
    ...from,
    rules: from.rules.toSpliced(50_000, 1).concat(rule('198.51.100.1')),
  };
  const connection = connections.at(-1);
  assert.ok(connection instanceof SqliteDatabase);
  const changes = () => connection.prepare('SELECT total_changes()').pluck().get() as number;
  const before = changes();
  const difference = await compareRules(from, to);
  const undo = undoOf(from, difference);
  const made = { previous: 1, size: sizeOf(difference), rules: to.rules.length, undo };
  store.write(changeBetween(from, to), { number: 2 }, made);
  assert.equal(changes() - before, 2 + META_ROWS + HISTORY_ROWS);
  store.close();
  assert.deepEqual(store.open().ruleSet, to);
});

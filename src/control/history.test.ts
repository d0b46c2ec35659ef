/** Former revisions, from a real database. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import fc from 'fast-check';
import { databasePath, temporaryDirectory } from '../../test/lab/rule-store.ts';
import { arbitraryOutputs, arbitraryRules } from '../../test/support/arbitrary-rules.ts';
import { openKeptRules } from '../../test/support/kept-rules.ts';
import {
  endpoint,
  exporter,
  outputs,
  rule,
  ruleEdit,
  ruleSet,
} from '../../test/support/rule-sets.ts';
import type { Rule, RuleChange, RuleSet } from '../model/rules.ts';
import type { Control } from './control.ts';

/** Few exporters: changes meet the same rules again and again. */
const exporters = fc
  .integer({ min: 1, max: 40 })
  .map((number) => endpoint(`203.0.113.${number}${number > 30 ? ':2055' : ''}`));
const collectors = fc
  .constantFrom('198.51.100.1:1', '198.51.100.2:2', '198.51.100.3:3')
  .map(endpoint);
const ingredients = { exporters, collectors, maxRules: 30 };

/** What to do next: with seeds, because what can be deleted depends on what there is. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant('replace' as const),
    rules: arbitraryRules(ingredients),
    defaults: arbitraryOutputs(ingredients),
  }),
  fc.record({
    kind: fc.constant('upsert' as const),
    rules: arbitraryRules({ ...ingredients, maxRules: 4 }),
  }),
  fc.record({ kind: fc.constant('defaults' as const), defaults: arbitraryOutputs(ingredients) }),
  fc.record({
    kind: fc.constant('delete' as const),
    seed: fc.nat(),
    count: fc.integer({ min: 1, max: 25 }),
  }),
  fc.record({ kind: fc.constant('move' as const), seed: fc.nat() }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function toChange(next: Step, { rules, defaultOutputs }: RuleSet): RuleChange {
  switch (next.kind) {
    case 'replace':
      return { kind: 'replace', ruleSet: ruleSet(next.rules, next.defaults) };
    case 'upsert':
      return { kind: 'edit', deleted: [], upserts: next.rules };
    case 'defaults':
      return { kind: 'edit', deleted: [], upserts: [], defaultOutputs: next.defaults };
    case 'delete': {
      const gone = rules.filter((_, i) => (i * 7 + next.seed) % rules.length < next.count);
      return { kind: 'edit', deleted: gone.map((some) => some.exporter), upserts: [] };
    }
    case 'move': {
      const at = rules.length === 0 ? 0 : next.seed % rules.length;
      const moved: Rule[] = [...rules.slice(at), ...rules.slice(0, at)];
      return { kind: 'replace', ruleSet: ruleSet(moved, defaultOutputs) };
    }
  }
}

/** @returns undefined when the rules, which are made at random, are refused */
async function changeIfValid(control: Control, change: RuleChange): Promise<number | undefined> {
  try {
    return (await control.change(change)).revision;
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'INVALID_INPUT');
    return undefined;
  }
}

test('A30: after any changes each revision is told exactly, and a rollback brings it back', async (t) => {
  const directory = temporaryDirectory(t);
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      const path = databasePath(`${directory}/${number++}`);
      const then = new Map<number, RuleSet>();
      {
        await using kept = await openKeptRules(path);
        for (const next of steps) {
          const change = toChange(next, kept.control.rules().ruleSet);
          const revision = await changeIfValid(kept.control, change);
          if (revision !== undefined) then.set(revision, kept.control.rules().ruleSet);
        }
      }
      await using kept = await openKeptRules(path);
      const { revisions } = await kept.history.revisions({ limit: 100 });
      assert.deepEqual(
        revisions.map(({ revision }) => revision.number),
        [...then.keys()].reverse(),
      );
      for (const [revision, expected] of then) {
        const former = await kept.history.rulesOf(revision);
        assert.deepEqual(former.ruleSet, expected, `revision ${revision}`);
        assert.deepEqual(
          former.before,
          then.get(revision - 1) ?? ruleSet([]),
          `before ${revision}`,
        );
      }
      for (const [revision, expected] of then) {
        const { ruleSet: former } = await kept.history.rulesOf(revision);
        await kept.control.change({ kind: 'replace', ruleSet: former });
        assert.deepEqual(kept.control.rules().ruleSet, expected);
      }
    }),
    { numRuns: 60 },
  );
});

const A = rule('192.0.2.1', ['198.51.100.1:1']);
const B = rule('192.0.2.2:9', ['198.51.100.1:1']);
const C = rule('2001:db8::3', ['2001:db8::c']);

test('A30: a revision tells who made it, from where, by which call, why, and how much it changed', async (t) => {
  await using kept = await openKeptRules(databasePath(temporaryDirectory(t)));
  const origin = {
    author: 'alice',
    from: '192.0.2.77:40000',
    call: 'ReplaceProxyRules',
    message: 'CHG1: ü',
  };
  await kept.control.change(
    { kind: 'replace', ruleSet: ruleSet([A, B], outputs(['198.51.100.9'])) },
    0,
    origin,
  );
  await kept.control.change(ruleEdit(['192.0.2.1'], [rule('192.0.2.2:9'), C], []));
  const { revisions } = await kept.history.revisions({ limit: 10 });
  const [second, first] = revisions;
  assert.ok(first && second);
  const { number, at, ...told } = first.revision;
  assert.deepEqual([number, told, first.rules], [1, origin, 2]);
  assert.match(at ?? '', /^20\d\d-.*Z$/);
  const none = { areDefaultOutputsChanged: true, isReordered: false };
  assert.deepEqual(first.size, { added: 2, removed: 0, changed: 0, ...none });
  assert.deepEqual(second.size, { added: 1, removed: 1, changed: 1, ...none });
  assert.equal(second.isRestorable, true);
});

test('A30: revisions of one exporter are found, with and without port, page by page', async (t) => {
  await using kept = await openKeptRules(databasePath(temporaryDirectory(t)));
  const change = async (next: RuleChange) => (await kept.control.change(next)).revision;
  await change({ kind: 'replace', ruleSet: ruleSet([A, B, C]) });
  await change(ruleEdit([], [rule('192.0.2.1', ['198.51.100.7'])]));
  await change(ruleEdit([], [rule('2001:db8::3')]));
  await change({ kind: 'replace', ruleSet: ruleSet([C, A, B]) });
  await change(ruleEdit(['192.0.2.2:9']));
  await change(ruleEdit([], [rule('192.0.2.2', ['198.51.100.7'])]));
  const found = async (name: string) => {
    const numbers: number[] = [];
    let before: number | undefined;
    do {
      const query = { limit: 1, exporter: exporter(name), ...(before !== undefined && { before }) };
      const page = await kept.history.revisions(query);
      assert.ok(page.revisions.length <= 1);
      numbers.push(...page.revisions.map(({ revision }) => revision.number));
      before = page.nextBefore;
    } while (before !== undefined);
    return numbers;
  };
  assert.deepEqual(await found('192.0.2.1'), [4, 2, 1]);
  assert.deepEqual(await found('2001:db8::3'), [4, 3, 1]);
  assert.deepEqual(await found('192.0.2.2'), [6, 5, 1]);
  assert.deepEqual(await found('192.0.2.2:9'), [5, 1]);
  assert.deepEqual(await found('192.0.2.9'), []);
});

test('A31: what is beyond the limits goes, the oldest first, and is said to be gone', async (t) => {
  const path = databasePath(temporaryDirectory(t));
  await using kept = await openKeptRules(path, { revisions: 3, bytes: 1_000_000 });
  for (let i = 1; i <= 7; i++) await kept.control.change(ruleEdit([], [rule(`192.0.2.${i}`)]));
  const { revisions } = await kept.history.revisions({ limit: 10 });
  assert.deepEqual(
    revisions.map(({ revision }) => revision.number),
    [7, 6, 5],
  );
  assert.equal((await kept.history.rulesOf(5)).ruleSet.rules.length, 5);
  assert.equal((await kept.history.rulesOf(5)).before?.rules.length, 4);
  await assert.rejects(kept.history.rulesOf(4), {
    code: 'NOT_FOUND',
    message: /revision 4 is not kept any more: the oldest is 5 \(COLLECTOR_HISTORY_REVISIONS/,
  });
  await assert.rejects(kept.history.rulesOf(99), { message: /no revision 99: the newest is 7/ });
});

test('A31: the bytes of what undoes changes are bounded, and one that is too large is told but not kept', async (t) => {
  const path = databasePath(temporaryDirectory(t));
  const limits = { revisions: 1000, bytes: 6000 };
  await using kept = await openKeptRules(path, limits);
  for (let i = 1; i <= 60; i++) {
    const rules = Array.from({ length: 20 }, (_, k) =>
      rule(`10.${i}.0.${k}`, [`198.51.100.${k + 1}:${i}`]),
    );
    await kept.control.change({ kind: 'replace', ruleSet: ruleSet(rules) });
  }
  const { revisions } = await kept.history.revisions({ limit: 100 });
  assert.ok(revisions.length > 5 && revisions.length < 60, `${revisions.length} are kept`);
  const many = Array.from({ length: 3000 }, (_, k) =>
    rule(`10.${k >> 8}.${k & 255}.77`, [`198.51.100.1:${k + 1}`]),
  );
  await kept.control.change({ kind: 'replace', ruleSet: ruleSet(many) });
  await kept.control.change({ kind: 'replace', ruleSet: ruleSet([A]) });
  const newest = (await kept.history.revisions({ limit: 3 })).revisions;
  assert.deepEqual(newest[0]?.size?.removed, 3000);
  assert.deepEqual(
    newest.map(({ isRestorable }) => isRestorable),
    [true, false, false],
  );
  await assert.rejects(kept.history.rulesOf(61), {
    code: 'NOT_FOUND',
    message: /the rules of revision 61 are not kept: what revision 62 changed is not known/,
  });
  await kept.control.stop();
  const database = new SqliteDatabase(path, { readonly: true });
  const bytes = database.prepare('SELECT sum(length(data)) FROM history_parts').pluck().get();
  database.close();
  assert.ok(Number(bytes) <= limits.bytes, `${bytes} bytes`);
});

test('A30: a database without history gets one from here on; what an older program changed is a gap', async (t) => {
  const path = databasePath(temporaryDirectory(t));
  {
    await using kept = await openKeptRules(path);
    await kept.control.change({ kind: 'replace', ruleSet: ruleSet([A]) }, 0, { author: 'old' });
  }
  const database = new SqliteDatabase(path);
  database.exec('DROP TABLE history; DROP TABLE history_parts');
  database.close();
  await using kept = await openKeptRules(path);
  await kept.control.change(ruleEdit([], [B]), 1);
  const { revisions } = await kept.history.revisions({ limit: 10 });
  assert.deepEqual(
    revisions.map(({ revision, size, isRestorable }) => [
      revision.number,
      revision.author,
      size?.added,
      isRestorable,
    ]),
    [
      [2, undefined, 1, true],
      [1, 'old', undefined, true],
    ],
  );
  const former = await kept.history.rulesOf(1);
  assert.deepEqual([former.ruleSet, former.before], [ruleSet([A]), undefined]);
});

test('A30: damage of the history is told, and costs nothing but history', async (t) => {
  const path = databasePath(temporaryDirectory(t));
  {
    await using kept = await openKeptRules(path);
    for (let i = 1; i <= 5; i++) await kept.control.change(ruleEdit([], [rule(`192.0.2.${i}`)]));
  }
  const database = new SqliteDatabase(path);
  database.exec(`UPDATE history_parts SET data = zeroblob(20) WHERE revision = 3`);
  database.close();
  await using kept = await openKeptRules(path);
  assert.equal(kept.control.rulesProblem(), undefined);
  assert.equal(kept.control.rules().ruleSet.rules.length, 5);
  assert.equal((await kept.history.rulesOf(4)).ruleSet.rules.length, 4);
  await assert.rejects(kept.history.rulesOf(2), {
    code: 'NOT_FOUND',
    message: /revision 3 is damaged/,
  });
  await kept.control.change(ruleEdit([], [rule('192.0.2.6')]));
  assert.equal((await kept.history.rulesOf(5)).ruleSet.rules.length, 5);
});

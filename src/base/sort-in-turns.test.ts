import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sortInTurns } from './sort-in-turns.ts';

const byKey = ([one]: readonly number[], [other]: readonly number[]) => (one ?? 0) - (other ?? 0);

test('a list is sorted as Array.sort does it, up to the limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(9000), fc.nat(50), fc.nat(9000), async (length, keys, limit) => {
      const items = Array.from({ length }, (_, i) => [(i * 7919) % (keys + 1), i]);
      const sorted = items.toSorted(byKey);
      assert.deepEqual(await sortInTurns(items, byKey), sorted);
      assert.deepEqual(await sortInTurns(items, byKey, limit), sorted.slice(0, limit));
    }),
    { numRuns: 30 },
  );
});

test('other things are done while a long list is sorted', async () => {
  const items = Array.from({ length: 300_000 }, (_, i) => [(i * 7919) % 100_003]);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await sortInTurns(items, byKey);
  clearInterval(timer);
  assert.ok(turns > 1, `${turns} turns`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findHighestRate } from './search.ts';

const range = { low: 100, high: 900, steps: 6 };

function upTo(limit: number): (rate: number) => Promise<boolean> {
  return async (rate) => rate <= limit;
}

test('the highest passing rate is found to within the last halving, and passed', async () => {
  for (const limit of [120, 333, 500, 888]) {
    const rate = await findHighestRate(upTo(limit), range);
    assert.ok(rate <= limit && rate > limit - 800 / 2 ** 6 - 1, `${rate} for ${limit}`);
  }
});

test('when the whole range passes, the answer is near its upper end', async () => {
  assert.ok((await findHighestRate(upTo(Number.POSITIVE_INFINITY), range)) > 880);
});

test('when nothing in the range passes, lower rates are tried', async () => {
  assert.equal(await findHighestRate(upTo(60), range), 50);
});

test('when nothing passes at all, the answer is 0', async () => {
  assert.equal(await findHighestRate(upTo(-1), range), 0);
});

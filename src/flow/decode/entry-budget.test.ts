import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntryBudget } from './entry-budget.ts';

test('strangers fill a quarter of what there is, and what goes makes room', () => {
  const budget = new EntryBudget(8);
  const takes = (isStranger: boolean) => Array.from({ length: 10 }, () => budget.take(isStranger));
  assert.equal(takes(true).filter(Boolean).length, 2);
  assert.equal(takes(false).filter(Boolean).length, 6);
  budget.giveBack(7);
  assert.equal(takes(true).filter(Boolean).length, 1);
});

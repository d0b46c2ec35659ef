import assert from 'node:assert/strict';
import { test } from 'node:test';
import { possibleProcessors } from './program-file.ts';

test('processors that there may be, as the kernel tells them', () => {
  assert.equal(possibleProcessors('0\n'), 1);
  assert.equal(possibleProcessors('0-3\n'), 4);
  assert.equal(possibleProcessors('0-3,8-127\n'), 128);
  assert.throws(() => possibleProcessors('\n'), /possible says/);
});

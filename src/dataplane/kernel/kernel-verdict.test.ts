import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelVerdict, type TestOutcome } from './kernel-verdict.ts';

const BACK = { areHandled: true, cameBack: true, isWayFree: true };
const LOST = { areHandled: true, cameBack: false, isWayFree: true };
const ALL_LOST = { ...LOST, isWayFree: false };
const UP = { ...LOST, areHandled: false };

function after(...outcomes: readonly TestOutcome[]): KernelVerdict {
  const verdict = new KernelVerdict();
  for (const outcome of outcomes) verdict.take(outcome);
  return verdict;
}

test('R31: three in a row that do not come back, and it fails until one does', () => {
  assert.equal(after(BACK, LOST, LOST).isFailing, false);
  assert.equal(after(BACK, LOST, LOST, BACK, LOST, LOST).isFailing, false);
  assert.equal(after(BACK, LOST, LOST, LOST).isFailing, true);
  assert.equal(after(LOST, LOST, LOST, BACK).isFailing, false);
});

test('R31: what goes up, and what is lost with others, says nothing for it and nothing against it', () => {
  for (const silent of [UP, ALL_LOST]) {
    assert.equal(after(silent, silent, silent, silent).isFailing, false);
    assert.equal(after(LOST, silent, LOST, silent, LOST).isFailing, true);
    assert.equal(after(LOST, LOST, LOST, silent).isFailing, true);
  }
});

test('R31: it is known when one has come back, has failed, or cannot be tested', () => {
  assert.equal(after().isKnown, false);
  assert.equal(after(LOST, LOST).isKnown, false);
  for (const last of [BACK, UP, ALL_LOST, LOST])
    assert.equal(after(LOST, LOST, last).isKnown, true);
});

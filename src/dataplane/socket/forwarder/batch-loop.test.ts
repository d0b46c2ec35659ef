import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forwardBatches } from './batch-loop.ts';

const BATCH = 64;

/** Forwards batches of these sizes, each of which takes a while. @returns how many were forwarded */
function run(sizes: (i: number) => number, batchMs: number) {
  let batches = 0;
  let now = 1000;
  const forward = () => {
    now += batchMs;
    return sizes(batches++);
  };
  const isWaiting = forwardBatches(BATCH, forward, () => now);
  return { batches, isWaiting, tookMs: now - 1000 };
}

describe('forwardBatches()', () => {
  it('lets the event loop have a turn, however many packets wait', () => {
    assert.deepEqual(
      run(() => BATCH, 0),
      { batches: 16, isWaiting: true, tookMs: 0 },
    );
  });

  it('and however long batches take', () => {
    assert.deepEqual(
      run(() => BATCH, 40),
      { batches: 3, isWaiting: true, tookMs: 120 },
    );
  });

  it('ends at a batch that is not full, and at an error', () => {
    const sizes = [BATCH, BATCH, BATCH - 1];
    assert.deepEqual(
      run((i) => sizes[i] ?? 0, 0),
      { batches: 3, isWaiting: false, tookMs: 0 },
    );
    assert.deepEqual(
      run(() => -9, 0),
      { batches: 1, isWaiting: false, tookMs: 0 },
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DrainWatch, MIN_DRAIN_MS, QUIET_MS } from './drain-watch.ts';

test('an idle node is drained only when announcers have had time to see it', () => {
  const watch = new DrainWatch(0, 30_000);
  assert.equal(watch.observe(7n, 0), 'draining');
  assert.equal(watch.observe(7n, MIN_DRAIN_MS - 1), 'draining');
  assert.equal(watch.observe(7n, MIN_DRAIN_MS), 'drained');
});

test('packets that still come put the end off until one second after the last', () => {
  const watch = new DrainWatch(0, 30_000);
  watch.observe(0n, 0);
  assert.equal(watch.observe(1n, 5_000), 'draining');
  assert.equal(watch.observe(1n, 5_000 + QUIET_MS - 1), 'draining');
  assert.equal(watch.observe(1n, 5_000 + QUIET_MS), 'drained');
});

test('a drain ends at its limit at the latest, also when that is shorter than the shortest drain', () => {
  const numbers = fc.array(fc.nat({ max: 400 }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5_000 }), numbers, (limitMs, steps) => {
      const watch = new DrainWatch(1_000, limitMs);
      let packets = 0n;
      let nowMs = 1_000;
      for (const step of steps) {
        nowMs += step;
        packets += BigInt(step % 3);
        const state = watch.observe(packets, nowMs);
        if (nowMs - 1_000 >= limitMs) assert.notEqual(state, 'draining');
        else assert.notEqual(state, 'limit reached');
        if (nowMs - 1_000 < MIN_DRAIN_MS) assert.notEqual(state, 'drained');
      }
    }),
  );
});

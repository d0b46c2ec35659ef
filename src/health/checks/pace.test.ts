import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Pace } from './pace.ts';

test('H1: a host is asked at most once a second, after a few at once', () => {
  let nowMs = 0;
  const clock = mock.method(performance, 'now', () => nowMs);
  try {
    const pace = new Pace(1000, 3);
    const waits = Array.from({ length: 5 }, () => pace.waitMs('192.0.2.1'));
    assert.deepEqual(waits, [0, 0, 0, 1000, 2000]);
    assert.equal(pace.waitMs('192.0.2.2'), 0, 'each for itself');
    nowMs = 10_000;
    assert.equal(pace.waitMs('192.0.2.1'), 0);
    for (let i = 0; i < 100; i++) {
      nowMs += 1000;
      assert.equal(pace.waitMs('192.0.2.1'), 0);
    }
  } finally {
    clock.mock.restore();
  }
});

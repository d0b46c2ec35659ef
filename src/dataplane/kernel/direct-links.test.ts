import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directLinks } from './direct-links.ts';

test('interfaces without a queue are told, unless their bits are those of one with a queue', () => {
  const words = directLinks([
    { link: 5, kind: 'noqueue' },
    { link: 33, kind: 'noqueue' },
    { link: 33, kind: 'clsact' },
    { link: 2, kind: 'mq' },
    { link: 2, kind: 'fq_codel' },
    { link: 3, kind: 'noqueue' },
    { link: 1024 + 3, kind: 'pfifo_fast' },
    { link: 31, kind: 'noqueue' },
  ]);
  assert.deepEqual([...words.slice(0, 3)], [2 ** 31 + 2 ** 5, 2, 0]);
});

test('R31: loopback is not told: of what comes by it, only clones leave', () => {
  const [first] = directLinks([{ link: 1, kind: 'noqueue' }]);
  assert.equal(first, 0);
});

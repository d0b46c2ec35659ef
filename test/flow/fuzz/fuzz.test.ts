import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './fuzz.ts';
import { heapInUse, MOST_GROWTH } from './heap.ts';

const DATAGRAMS = 100_000;

test('a hundred thousand broken datagrams: no exception, no record that is not there, no growth', () => {
  let before = 0;
  const records = fuzz({
    seed: 20_261_126,
    datagrams: DATAGRAMS,
    checked: (number) => {
      if (number === DATAGRAMS / 2) before = heapInUse();
    },
  });
  const grown = heapInUse() - before;
  assert.ok(before > 0 && grown < MOST_GROWTH, `${grown} octets more after the second half`);
  assert.ok(records > DATAGRAMS, 'most datagrams have records: else nothing was tried');
});

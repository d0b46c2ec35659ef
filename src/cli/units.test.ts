import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteRate, counted, shortCount, shortRate, shortTime } from './units.ts';

test('counts have three digits at most', () => {
  const shown = [0, 999, 1000, 1049, 9949, 9950, 99_949, 999_499, 999_500, 1e12].map(shortCount);
  assert.deepEqual(shown, [
    '0',
    '999',
    '1.0k',
    '1.0k',
    '9.9k',
    '10k',
    '100k',
    '999k',
    '1.0M',
    '1.0T',
  ]);
});

test('rates have three digits', () => {
  const shown = [0, 0.004, 0.25, 9.994, 10, 999.4, 41_234, 99_960, 412_345, 1_299_999].map(
    shortRate,
  );
  assert.deepEqual(shown, ['0', '0', '0.25', '9.99', '10', '999', '41.2k', '100k', '412k', '1.3M']);
  assert.deepEqual([0, 57_600_000, 1e9].map(byteRate), ['0 B/s', '57.6 MB/s', '1 GB/s']);
});

test('times have two units', () => {
  const shown = [0, 45, 60, 200, 3600, 18_720, 273_600, 864_005].map(shortTime);
  assert.deepEqual(shown, ['0s', '45s', '1m', '3m 20s', '1h', '5h 12m', '3d 4h', '10d']);
});

test('one of a kind is no plural', () => {
  assert.deepEqual(
    [0, 1, 1234].map((count) => counted(count, 'rule')),
    ['0 rules', '1 rule', '1,234 rules'],
  );
});

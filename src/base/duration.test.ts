import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, formatSpan, parseDuration } from './duration.ts';

test('durations are a number and a unit', () => {
  const texts = ['500ms', '90s', '5m', '12h', '7d', '0s'];
  const known = [500, 90_000, 300_000, 43_200_000, 604_800_000, 0];
  assert.deepEqual(texts.map(parseDuration), known);
  assert.deepEqual(known.map(formatDuration), texts);
  for (const text of ['', '5', 'm', '-5m', '1.5h', '5 m', '5M', '1h30m', ' 5m', '5m ']) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test('what is printed is read back', () => {
  fc.assert(fc.property(fc.nat(), (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)));
});

test('spans have two units', () => {
  assert.deepEqual([0, 999, 61_000, 3_600_000, 90_061_000, -5].map(formatSpan), [
    '0s',
    '1s',
    '1m 1s',
    '1h',
    '1d 1h',
    '0s',
  ]);
});

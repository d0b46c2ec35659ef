import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLLECTOR } from '../../../table/layout.ts';
import { feedsOnlyPipelines, restMs } from './rest.ts';

const MIB = 1024 ** 2;
const BEFORE = 64;

/** A table whose collectors are of these families. */
function tableOf(families: readonly number[]) {
  const bytes = new Uint8Array(BEFORE + families.length * COLLECTOR.SIZE).fill(4, 0, BEFORE);
  for (const [i, family] of families.entries()) {
    bytes[BEFORE + i * COLLECTOR.SIZE + COLLECTOR.FAMILY_BYTE] = family;
  }
  return {
    words: new Int32Array(bytes.buffer),
    collectorsAtBytes: BEFORE,
    collectorCount: families.length,
  };
}

test('packets wait no longer than the receive buffer has room for', () => {
  assert.deepEqual(
    [212_992, 8 * MIB - 1, 8 * MIB, 16 * MIB, 64 * MIB].map(restMs),
    [0, 0, 1, 2, 2],
  );
});

test('they wait only where no packet leaves', () => {
  const cases: readonly [number[], boolean][] = [
    [[0, 0], true],
    [[4], false],
    [[0, 0, 6], false],
    [[4, 0], false],
    [[], false],
  ];
  for (const [families, rests] of cases) {
    assert.equal(feedsOnlyPipelines(tableOf(families)), rests, `${families}`);
  }
});

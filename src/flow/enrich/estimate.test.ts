import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlowBatch, type WordPairs } from '../model/flow-batch.ts';
import { estimateCounts } from './estimate.ts';

const MAX = 2n ** 64n - 1n;

function write(pairs: WordPairs, row: number, value: bigint): void {
  pairs.high[row] = Number(value >> 32n);
  pairs.low[row] = Number(value & 0xffff_ffffn);
}

function read(pairs: WordPairs, row: number): bigint {
  return (BigInt(pairs.high[row] ?? 0) << 32n) | BigInt(pairs.low[row] ?? 0);
}

/** Counts and rates of all sizes, not mostly large ones. */
const count = fc
  .tuple(fc.bigInt({ min: 0n, max: MAX }), fc.integer({ min: 0, max: 64 }))
  .map(([value, shift]) => value >> BigInt(shift));
const rate = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.integer({ min: 0, max: 32 }))
  .map(([value, shift]) => value >> BigInt(shift));

test('counts are multiplied by the sampling rate, and stop at what 64 bits can say', () => {
  const row = fc.record({ bytes: count, packets: count, rate });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), (rows) => {
      const batch = new FlowBatch(8);
      const { columns } = batch;
      for (const [i, { bytes, packets, rate: sampled }] of rows.entries()) {
        write(columns.bytes, i, bytes);
        write(columns.packets, i, packets);
        columns.samplingRate[i] = Number(sampled);
      }
      batch.rows = rows.length;
      estimateCounts(batch);
      const expected = rows.map(({ bytes, packets, rate: sampled }) => {
        const factor = sampled === 0n ? 1n : sampled;
        return [bytes * factor, packets * factor].map((product) => (product > MAX ? MAX : product));
      });
      const found = rows.map((_, i) => [
        read(columns.estimatedBytes, i),
        read(columns.estimatedPackets, i),
      ]);
      assert.deepEqual(found, expected);
    }),
    { numRuns: 2000 },
  );
});

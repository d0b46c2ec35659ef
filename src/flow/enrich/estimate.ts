import type { FlowBatch, WordPairs } from '../model/flow-batch.ts';

const WORD = 2 ** 32;
const HALF = 2 ** 16;
const MAX_WORD = WORD - 1;
/** Products below are exact as doubles. */
const EXACT = 2 ** 53;

/**
 * Fills `estimatedBytes` and `estimatedPackets`: counts multiplied by the sampling rate, as they are where it is unknown
 * (0). What is more than 64 bits can say becomes the largest of them.
 */
export function estimateCounts({ columns, rows }: FlowBatch): void {
  const { samplingRate, bytes, packets, estimatedBytes, estimatedPackets } = columns;
  multiply(bytes, samplingRate, estimatedBytes, rows);
  multiply(packets, samplingRate, estimatedPackets, rows);
}

function multiply(from: WordPairs, rates: Uint32Array, to: WordPairs, rows: number): void {
  const { high: fromHigh, low: fromLow } = from;
  const { high: toHigh, low: toLow } = to;
  for (let row = 0; row < rows; row++) {
    const high = fromHigh[row] as number;
    const low = fromLow[row] as number;
    const rate = rates[row] || 1;
    const product = low * rate;
    if (high === 0 && product < EXACT) {
      toHigh[row] = product / WORD;
      toLow[row] = product;
    } else multiplyLong(to, row, high, low, rate);
  }
}

function multiplyLong(to: WordPairs, row: number, high: number, low: number, rate: number): void {
  const upper = (low >>> 16) * rate;
  const lower = (low & 0xffff) * rate + (upper % HALF) * HALF;
  const carry = Math.floor(upper / HALF) + Math.floor(lower / WORD);
  // Not exact above 2^53, where it is too large in any case.
  const top = high * rate + carry;
  const isTooLarge = top > MAX_WORD;
  to.high[row] = isTooLarge ? MAX_WORD : top;
  to.low[row] = isTooLarge ? MAX_WORD : lower;
}

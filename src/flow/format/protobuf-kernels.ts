/** One loop for each kind of column: writes it as a field of protobuf for the rows of a block (see text-kernels.ts). */
import type { WordPairs } from '../model/flow-batch.ts';
import { putText } from './encoded-texts.ts';
import { type Ending, putEnding } from './literal.ts';
import type { RowBlock } from './row-format.ts';
import { microseconds } from './time-text.ts';
import { putVarint, putVarint64, varintLength } from './varint.ts';

/** Writes numbers of 8 bits. */
export function writeU8(
  { view, next }: RowBlock,
  values: Uint8Array,
  first: number,
  rows: number,
  tag: Ending,
): void {
  for (let i = 0; i < rows; i++) {
    const value = values[first + i] as number;
    if (value !== 0) {
      const at = putEnding(view, next[i] as number, tag);
      next[i] = putVarint(view, at, value);
    }
  }
}

/** Writes numbers of 16 bits. */
export function writeU16(
  { view, next }: RowBlock,
  values: Uint16Array,
  first: number,
  rows: number,
  tag: Ending,
): void {
  for (let i = 0; i < rows; i++) {
    const value = values[first + i] as number;
    if (value !== 0) {
      const at = putEnding(view, next[i] as number, tag);
      next[i] = putVarint(view, at, value);
    }
  }
}

/** Writes numbers of 32 bits. */
export function writeU32(
  { view, next }: RowBlock,
  values: Uint32Array,
  first: number,
  rows: number,
  tag: Ending,
): void {
  for (let i = 0; i < rows; i++) {
    const value = values[first + i] as number;
    if (value !== 0) {
      const at = putEnding(view, next[i] as number, tag);
      next[i] = putVarint(view, at, value);
    }
  }
}

/** Writes numbers of 32 bits, each as a packed list of one. */
export function writeList(
  { view, next }: RowBlock,
  values: Uint32Array,
  first: number,
  rows: number,
  tag: Ending,
): void {
  for (let i = 0; i < rows; i++) {
    const value = values[first + i] as number;
    if (value !== 0) {
      const at = putEnding(view, next[i] as number, tag);
      next[i] = putVarint(view, putVarint(view, at, varintLength(value)), value);
    }
  }
}

/** Writes numbers of 64 bits, or MAC addresses, of which FlowMessage makes numbers. */
export function writeU64(
  { view, next }: RowBlock,
  { high: highs, low: lows }: WordPairs,
  first: number,
  rows: number,
  tag: Ending,
): void {
  for (let i = 0; i < rows; i++) {
    const high = highs[first + i] as number;
    const low = lows[first + i] as number;
    if ((high | low) !== 0) {
      const at = putEnding(view, next[i] as number, tag);
      next[i] = putVarint64(view, at, high, low);
    }
  }
}

/** Writes times: nanoseconds of the Unix epoch. */
export function writeTime(
  { view, next }: RowBlock,
  values: Float64Array,
  first: number,
  rows: number,
  tag: Ending,
): void {
  for (let i = 0; i < rows; i++) {
    const us = microseconds(values[first + i] as number);
    if (us !== 0) {
      const at = putEnding(view, next[i] as number, tag);
      next[i] = putNanoseconds(view, at, us);
    }
  }
}

/** Writes texts: UTF-8 after its length. */
export function writeText(
  { view, next, texts }: RowBlock,
  indexes: Uint32Array,
  first: number,
  rows: number,
  tag: Ending,
): void {
  for (let i = 0; i < rows; i++) {
    const index = indexes[first + i] as number;
    if (index !== 0) {
      const at = putEnding(view, next[i] as number, tag);
      next[i] = putText(view, putVarint(view, at, texts.lengthOf(index)), texts, index);
    }
  }
}

function putNanoseconds(view: DataView, at: number, us: number): number {
  const high = Math.floor(us * 2 ** -32);
  const low = (us - high * 2 ** 32) * 1000;
  const carry = Math.floor(low * 2 ** -32);
  return putVarint64(view, at, high * 1000 + carry, low >>> 0);
}

/** Writes addresses: 4 or 16 octets after their number, which is in the tag. */
export function writeAddress(
  { view, next }: RowBlock,
  words: Uint32Array,
  first: number,
  rows: number,
  { ipv4, ipv6 }: { readonly ipv4: Ending; readonly ipv6: Ending },
): void {
  for (let i = 0; i < rows; i++) {
    const word = (first + i) * 4;
    const w0 = words[word] as number;
    const w1 = words[word + 1] as number;
    const w2 = words[word + 2] as number;
    const w3 = words[word + 3] as number;
    if ((w0 | w1) === 0 && w2 === 0xffff) {
      const at = putEnding(view, next[i] as number, ipv4);
      view.setUint32(at, w3);
      next[i] = at + 4;
    } else if ((w0 | w1 | w2 | w3) !== 0) {
      const at = putEnding(view, next[i] as number, ipv6);
      view.setUint32(at, w0);
      view.setUint32(at + 4, w1);
      view.setUint32(at + 8, w2);
      view.setUint32(at + 12, w3);
      next[i] = at + 16;
    }
  }
}

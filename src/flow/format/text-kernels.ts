/**
 * One loop for each kind of column: writes it as text for the rows of a block. They look alike, and are apart so that
 * each sees one type of memory and one way to write it: then they are fast.
 */
import type { WordPairs } from '../model/flow-batch.ts';
import { putDotted, putInteger, putIpv6, putMac, putUint, putUint64 } from './digits.ts';
import { putText } from './encoded-texts.ts';
import { type Ending, type Literal, putEnding, putLiteral, putParts } from './literal.ts';
import type { RowBlock } from './row-format.ts';
import { microseconds, putTime } from './time-text.ts';

/** What stands around a value, in formats that are text. */
export interface Surroundings {
  /** Before a value that is not zero. */
  readonly before: Literal;
  /** Behind it: at most four octets. */
  readonly after: Ending;
  /** The whole cell of a value that is zero; empty, when it is left out. */
  readonly zero: Literal;
}

/** Writes numbers of 8 bits. */
export function writeU8(
  { view, next }: RowBlock,
  values: Uint8Array,
  first: number,
  rows: number,
  { before, after, zero }: Surroundings,
): void {
  const { a, b, c, rest, length } = before;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const value = values[first + i] as number;
    if (value === 0) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      next[i] = putEnding(view, putUint(view, start, value), after);
    }
  }
}

/** Writes numbers of 16 bits. */
export function writeU16(
  { view, next }: RowBlock,
  values: Uint16Array,
  first: number,
  rows: number,
  { before, after, zero }: Surroundings,
): void {
  const { a, b, c, rest, length } = before;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const value = values[first + i] as number;
    if (value === 0) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      next[i] = putEnding(view, putUint(view, start, value), after);
    }
  }
}

/** Writes numbers of 32 bits. */
export function writeU32(
  { view, next }: RowBlock,
  values: Uint32Array,
  first: number,
  rows: number,
  { before, after, zero }: Surroundings,
): void {
  const { a, b, c, rest, length } = before;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const value = values[first + i] as number;
    if (value === 0) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      next[i] = putEnding(view, putUint(view, start, value), after);
    }
  }
}

/** Writes numbers of 64 bits. */
export function writeU64(
  { view, next }: RowBlock,
  { high: highs, low: lows }: WordPairs,
  first: number,
  rows: number,
  { before, after, zero }: Surroundings,
): void {
  const { a, b, c, rest, length } = before;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const high = highs[first + i] as number;
    const low = lows[first + i] as number;
    if ((high | low) === 0) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      next[i] = putEnding(view, putUint64(view, start, high, low), after);
    }
  }
}

/** Writes MAC addresses. */
export function writeMac(
  { view, next }: RowBlock,
  { high: highs, low: lows }: WordPairs,
  first: number,
  rows: number,
  { before, after, zero }: Surroundings,
): void {
  const { a, b, c, rest, length } = before;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const high = highs[first + i] as number;
    const low = lows[first + i] as number;
    if ((high | low) === 0) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      next[i] = putEnding(view, putMac(view, start, high, low), after);
    }
  }
}

/** Writes texts, which the format has encoded. */
export function writeText(
  { view, next, texts }: RowBlock,
  indexes: Uint32Array,
  first: number,
  rows: number,
  { before, after, zero }: Surroundings,
): void {
  const { a, b, c, rest, length } = before;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const index = indexes[first + i] as number;
    if (index === 0) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      next[i] = putEnding(view, putText(view, start, texts, index), after);
    }
  }
}

/** Writes times as RFC 3339 has them. */
export function writeTime(
  { view, next }: RowBlock,
  values: Float64Array,
  first: number,
  rows: number,
  { before, after, zero }: Surroundings,
): void {
  const { a, b, c, rest, length } = before;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const us = microseconds(values[first + i] as number);
    if (us === 0) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      next[i] = putEnding(view, putTime(view, start, us), after);
    }
  }
}

/** Writes addresses. */
export function writeAddress(
  { view, next }: RowBlock,
  words: Uint32Array,
  first: number,
  rows: number,
  { before, after, zero }: Surroundings,
): void {
  const { a, b, c, rest, length } = before;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const word = (first + i) * 4;
    if (isUnknown(words, word)) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      next[i] = putEnding(view, putAddress(view, start, words, word), after);
    }
  }
}

function isUnknown(words: Uint32Array, at: number): boolean {
  const high = (words[at] as number) | (words[at + 1] as number);
  return (high | (words[at + 2] as number) | (words[at + 3] as number)) === 0;
}

function putAddress(view: DataView, at: number, words: Uint32Array, first: number): number {
  const isMapped = words[first + 2] === 0xffff && words[first] === 0 && words[first + 1] === 0;
  return isMapped
    ? putDotted(view, at, words[first + 3] as number)
    : putIpv6(view, at, words, first);
}

/** Writes times as numbers: microseconds of the epoch through a divisor. */
export function writeTimeNumber(
  { view, next }: RowBlock,
  values: Float64Array,
  first: number,
  rows: number,
  { before, after, zero, divisor }: Surroundings & { readonly divisor: number },
): void {
  const { a, b, c, rest, length } = before;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const us = microseconds(values[first + i] as number);
    if (us === 0) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      next[i] = putEnding(view, putInteger(view, start, Math.floor(us / divisor)), after);
    }
  }
}

/** Writes numbers by their names; those without in digits. */
export function writeNamed(
  { view, next }: RowBlock,
  values: Uint8Array | Uint16Array,
  first: number,
  rows: number,
  { before, after, zero, names }: Surroundings & { readonly names: ReadonlyMap<number, Literal> },
): void {
  const { a, b, c, rest, length } = before;
  let last = -1;
  let name: Literal | undefined;
  for (let i = 0; i < rows; i++) {
    const at = next[i] as number;
    const value = values[first + i] as number;
    if (value !== last) {
      last = value;
      name = names.get(value);
    }
    if (value === 0 && !name) next[i] = putLiteral(view, at, zero);
    else {
      const start = putParts(view, at, a, b, c, rest, length);
      const end = name ? putLiteral(view, start, name) : putUint(view, start, value);
      next[i] = putEnding(view, end, after);
    }
  }
}

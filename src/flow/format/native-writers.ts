import type { ColumnKind } from '../model/columns.ts';
import type { ColumnMemory, WordPairs } from '../model/flow-batch.ts';
import { octetsOf } from './columns.ts';
import { type EncodedTexts, putText } from './encoded-texts.ts';
import type { NativeTypes } from './native.ts';
import { microseconds } from './time-text.ts';
import { putVarint } from './varint.ts';

export interface NativeTarget {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly texts: EncodedTexts;
}

/** What writes the values of a column behind each other. */
export interface NativeWriter {
  /** Most octets of a value, not counting a text. */
  readonly room: number;
  /** @returns where the next octet goes */
  write(
    target: NativeTarget,
    at: number,
    memory: ColumnMemory[ColumnKind],
    first: number,
    rows: number,
  ): number;
}

const LAST_SECOND = 0xffff_ffff;

export function nativeWriter(kind: ColumnKind, types: NativeTypes): NativeWriter {
  switch (kind) {
    case 'u8':
      return copied(1);
    case 'u16':
      return copied(2);
    case 'u32':
      return copied(4);
    case 'u64':
    case 'mac':
      return {
        room: 8,
        write: ({ view }, at, memory, first, rows) =>
          writePairs(view, at, memory as WordPairs, first, rows),
      };
    case 'address':
      return {
        room: 16,
        write: ({ view }, at, memory, first, rows) =>
          writeAddresses(view, at, memory as Uint32Array, first, rows),
      };
    case 'text':
      return {
        room: 5,
        write: (target, at, memory, first, rows) =>
          writeTexts(target, at, memory as Uint32Array, first, rows),
      };
    case 'time': {
      const write = types === 'basic' ? writeSeconds : writeMicroseconds;
      return {
        room: 8,
        write: ({ view }, at, memory, first, rows) =>
          write(view, at, memory as Float64Array, first, rows),
      };
    }
  }
}

/** Numbers lie in memory as ClickHouse wants them: low octet first, as on all machines that this runs on. */
function copied(size: number): NativeWriter {
  return {
    room: size,
    write({ bytes }, at, memory, first, rows) {
      const octets = octetsOf(memory as Uint8Array | Uint16Array | Uint32Array);
      return at + octets.copy(bytes, at, first * size, (first + rows) * size);
    },
  };
}

function writePairs(
  view: DataView,
  start: number,
  { high, low }: WordPairs,
  first: number,
  rows: number,
): number {
  for (let i = 0; i < rows; i++) {
    view.setUint32(start + i * 8, low[first + i] as number, true);
    view.setUint32(start + i * 8 + 4, high[first + i] as number, true);
  }
  return start + rows * 8;
}

function writeAddresses(
  view: DataView,
  start: number,
  words: Uint32Array,
  first: number,
  rows: number,
): number {
  for (let i = 0; i < rows * 4; i++) {
    view.setUint32(start + i * 4, words[first * 4 + i] as number);
  }
  return start + rows * 16;
}

function writeMicroseconds(
  view: DataView,
  start: number,
  values: Float64Array,
  first: number,
  rows: number,
): number {
  for (let i = 0; i < rows; i++) {
    const us = microseconds(values[first + i] as number);
    const high = Math.floor(us * 2 ** -32);
    view.setUint32(start + i * 8, us - high * 2 ** 32, true);
    view.setUint32(start + i * 8 + 4, high, true);
  }
  return start + rows * 8;
}

function writeSeconds(
  view: DataView,
  start: number,
  values: Float64Array,
  first: number,
  rows: number,
): number {
  for (let i = 0; i < rows; i++) {
    const seconds = Math.floor(microseconds(values[first + i] as number) / 1e6);
    view.setUint32(start + i * 4, Math.min(seconds, LAST_SECOND), true);
  }
  return start + rows * 4;
}

function writeTexts(
  { view, texts }: NativeTarget,
  start: number,
  indexes: Uint32Array,
  first: number,
  rows: number,
): number {
  let at = start;
  for (let i = 0; i < rows; i++) {
    const index = indexes[first + i] as number;
    if (index === 0) view.setUint8(at++, 0);
    else at = putText(view, putVarint(view, at, texts.lengthOf(index)), texts, index);
  }
  return at;
}

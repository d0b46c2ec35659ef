import type { ColumnKind } from '../model/columns.ts';
import type { WordPairs } from '../model/flow-batch.ts';
import { makeEnding, makeLiteral } from './literal.ts';
import type { TimeStyle } from './options.ts';
import type { Cell } from './row-format.ts';
import * as kernels from './text-kernels.ts';

type Write = Cell['write'];

/** Most octets of a value in text, by kind; texts are counted by the batch. */
const VALUE_ROOM: Readonly<Record<ColumnKind, number>> = {
  u8: 3,
  u16: 5,
  u32: 10,
  u64: 20,
  time: 27,
  address: 39,
  mac: 17,
  text: 0,
};

/** What writes a column as text. */
export function textCell(kind: ColumnKind, around: kernels.Surroundings, times: TimeStyle): Cell {
  return makeCell(VALUE_ROOM[kind], around, writerOf(kind, around, times));
}

/** What writes a column of numbers by their names, and in digits those that have none. */
export function namedCell(
  names: Readonly<Record<number, string>>,
  around: kernels.Surroundings,
): Cell {
  const literals = new Map(
    Object.entries(names).map(([value, name]) => [Number(value), makeLiteral(name)]),
  );
  const room = Math.max(VALUE_ROOM.u16, ...[...literals.values()].map(({ length }) => length));
  return makeCell(room, around, (block, memory, first, rows) =>
    kernels.writeNamed(block, memory as Uint8Array | Uint16Array, first, rows, {
      ...around,
      names: literals,
    }),
  );
}

function makeCell(room: number, { before, after, zero }: kernels.Surroundings, write: Write): Cell {
  return {
    room: Math.max(before.length + room + after.length, zero.length),
    writesZero: zero.length > 0,
    write,
  };
}

function writerOf(kind: ColumnKind, around: kernels.Surroundings, times: TimeStyle): Write {
  switch (kind) {
    case 'u8':
      return (block, memory, first, rows) =>
        kernels.writeU8(block, memory as Uint8Array, first, rows, around);
    case 'u16':
      return (block, memory, first, rows) =>
        kernels.writeU16(block, memory as Uint16Array, first, rows, around);
    case 'u32':
      return (block, memory, first, rows) =>
        kernels.writeU32(block, memory as Uint32Array, first, rows, around);
    case 'u64':
      return (block, memory, first, rows) =>
        kernels.writeU64(block, memory as WordPairs, first, rows, around);
    case 'address':
      return (block, memory, first, rows) =>
        kernels.writeAddress(block, memory as Uint32Array, first, rows, around);
    case 'mac':
      return (block, memory, first, rows) =>
        kernels.writeMac(block, memory as WordPairs, first, rows, around);
    case 'text':
      return (block, memory, first, rows) =>
        kernels.writeText(block, memory as Uint32Array, first, rows, around);
    case 'time':
      return timeWriter(around, times);
  }
}

function timeWriter(around: kernels.Surroundings, times: TimeStyle): Write {
  if (times === 'rfc3339') {
    return (block, memory, first, rows) =>
      kernels.writeTime(block, memory as Float64Array, first, rows, around);
  }
  const after = times === 'ns' ? makeEnding('000') : around.after;
  const scaled = { ...around, after, divisor: { s: 1e6, ms: 1e3, us: 1, ns: 1 }[times] };
  return (block, memory, first, rows) =>
    kernels.writeTimeNumber(block, memory as Float64Array, first, rows, scaled);
}

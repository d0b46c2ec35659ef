import { z } from 'zod';
import type { Column, ColumnKind } from '../model/columns.ts';
import type { WordPairs } from '../model/flow-batch.ts';
import type { RowFormat, RowFormatKind } from '../model/format.ts';
import { chooseColumns } from './columns.ts';
import type { Ending } from './literal.ts';
import { fieldsOption } from './options.ts';
import { protobufField } from './protobuf-fields.ts';
import * as kernels from './protobuf-kernels.ts';
import { type Cell, type RowFrame, SlottedFormat } from './row-format.ts';
import { putVarint, varintLength } from './varint.ts';

const VARINT = 0;
const LENGTH_DELIMITED = 2;

const protobufOptions = z.strictObject({
  fields: fieldsOption,
  /**
   * Whether the length of each record stands before it, as goflow2 and ClickHouse's `Protobuf` have it. Without it a
   * message has one record (ClickHouse's `ProtobufSingle`), and records in a file cannot be told apart.
   */
  delimited: z.boolean().default(true),
});

type ProtobufOptions = z.infer<typeof protobufOptions>;

/** Protobuf: goflow2's FlowMessage, with fields of our own behind it (protobuf-fields.ts). */
export const protobufFormat: RowFormatKind<ProtobufOptions> = {
  name: 'protobuf',
  options: protobufOptions,
  recordsPerMessage: 1,
  create: ({ fields, delimited }, { extraColumns, keyed }) => {
    const columns = chooseColumns(extraColumns, fields).map((chosen) => {
      const { number, repeated } = protobufField(chosen.column, extraColumns);
      return { chosen, cell: protobufCell(chosen.column, number, repeated) };
    });
    const frame = delimited ? DELIMITED : BARE;
    const format = new SlottedFormat({
      columns,
      frame,
      encodeText: String,
      keyed,
      told: { framing: delimited ? 'none' : 'varint' },
    });
    return delimited ? format : oneRecordAMessage(format);
  },
};

function oneRecordAMessage(format: RowFormat): RowFormat {
  return { encode: (batch) => format.encode(batch, 1) };
}

/** Most octets of a value, by kind; texts are counted by the batch, but for their length. */
const VALUE_ROOM: Readonly<Record<ColumnKind, number>> = {
  u8: 2,
  u16: 3,
  u32: 5,
  u64: 10,
  time: 10,
  address: 17,
  mac: 7,
  text: 5,
};

function protobufCell(column: Column, number: number, repeated = false): Cell {
  const { kind } = column;
  const tag = tagOf(number, kind, repeated);
  const room = tag.length + VALUE_ROOM[kind] + (repeated ? 1 : 0);
  return { room, writesZero: false, write: writerOf(kind, tag, repeated) };
}

function writerOf(kind: ColumnKind, tag: Ending, repeated: boolean): Cell['write'] {
  switch (kind) {
    case 'u8':
      return (block, memory, first, rows) =>
        kernels.writeU8(block, memory as Uint8Array, first, rows, tag);
    case 'u16':
      return (block, memory, first, rows) =>
        kernels.writeU16(block, memory as Uint16Array, first, rows, tag);
    case 'u32': {
      const write = repeated ? kernels.writeList : kernels.writeU32;
      return (block, memory, first, rows) => write(block, memory as Uint32Array, first, rows, tag);
    }
    case 'u64':
    case 'mac':
      return (block, memory, first, rows) =>
        kernels.writeU64(block, memory as WordPairs, first, rows, tag);
    case 'time':
      return (block, memory, first, rows) =>
        kernels.writeTime(block, memory as Float64Array, first, rows, tag);
    case 'text':
      return (block, memory, first, rows) =>
        kernels.writeText(block, memory as Uint32Array, first, rows, tag);
    case 'address': {
      const tags = { ipv4: withLength(tag, 4), ipv6: withLength(tag, 16) };
      return (block, memory, first, rows) =>
        kernels.writeAddress(block, memory as Uint32Array, first, rows, tags);
    }
  }
}

function tagOf(number: number, kind: ColumnKind, repeated: boolean): Ending {
  const isDelimited = repeated || kind === 'address' || kind === 'text';
  const view = new DataView(new ArrayBuffer(16));
  const length = putVarint(view, 0, number * 8 + (isDelimited ? LENGTH_DELIMITED : VARINT));
  return { length, word: view.getUint32(0, true) };
}

function withLength({ word, length }: Ending, octets: number): Ending {
  return { length: length + 1, word: word | (octets << (length * 8)) };
}

/** The length stands before the fields, as a varint. */
const DELIMITED: RowFrame = {
  before: 5,
  after: 0,
  close(view, start, end) {
    const octets = end - start;
    // Room for more octets than it needs is before it; what runs past it would write over the first field.
    let at = start - varintLength(octets);
    const rowStart = at;
    for (let rest = octets; ; rest >>>= 7) {
      view.setUint8(at++, rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
      if (rest <= 0x7f) return rowStart;
    }
  },
};

const BARE: RowFrame = { before: 0, after: 0, close: (_, start) => start };

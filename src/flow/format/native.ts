import { z } from 'zod';
import type { ColumnKind } from '../model/columns.ts';
import type { ClickhouseColumn, EncodedBatch } from '../model/encoded-batch.ts';
import type { FlowBatch } from '../model/flow-batch.ts';
import type { RowFormat, RowFormatKind } from '../model/format.ts';
import { type ChosenColumn, chooseColumns, isZero } from './columns.ts';
import { EncodedTexts } from './encoded-texts.ts';
import { OVERRUN } from './literal.ts';
import { commonProtocol } from './messages.ts';
import { type NativeWriter, nativeWriter } from './native-writers.ts';
import { fieldsOption } from './options.ts';
import { putVarint } from './varint.ts';

const nativeOptions = z.strictObject({
  fields: fieldsOption,
  /**
   * `current`: addresses are IPv6, times DateTime64(6); needs ClickHouse 20.4. `basic`: addresses are FixedString(16),
   * times DateTime, in seconds.
   */
  types: z.enum(['current', 'basic']).default('current'),
});

export type NativeTypes = z.infer<typeof nativeOptions>['types'];

type NativeOptions = z.infer<typeof nativeOptions>;

/** Octets of a varint of 32 bits. */
const VARINT_ROOM = 5;

const TYPES: Readonly<Record<NativeTypes, Readonly<Record<ColumnKind, string>>>> = {
  current: typesWith('IPv6', 'DateTime64(6)'),
  basic: typesWith('FixedString(16)', 'DateTime'),
};

/**
 * ClickHouse's Native format: blocks of columns. Columns that have no value in a block are not in it, so the server
 * takes its defaults, which are zero. There are no keys: a message is a block.
 */
export const nativeFormat: RowFormatKind<NativeOptions> = {
  name: 'clickhouse',
  options: nativeOptions,
  create: ({ fields, types }, { extraColumns }) =>
    new NativeFormat(chooseColumns(extraColumns, fields), types),
};

interface NativeColumn {
  readonly chosen: ChosenColumn;
  /** Its name and type, as they stand before its values. */
  readonly head: Buffer;
  readonly writer: NativeWriter;
}

class NativeFormat implements RowFormat {
  readonly #columns: readonly NativeColumn[];
  readonly #told: readonly ClickhouseColumn[];
  readonly #texts = new EncodedTexts(String);
  #bytes = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer);

  constructor(chosen: readonly ChosenColumn[], types: NativeTypes) {
    this.#told = chosen.map(({ name, column }) => ({
      name,
      type: TYPES[types][column.kind],
      comment: column.meaning,
    }));
    this.#columns = chosen.map((one) => {
      const { kind } = one.column;
      const head = Buffer.concat([withLength(one.name), withLength(TYPES[types][kind])]);
      return { chosen: one, head, writer: nativeWriter(kind, types) };
    });
  }

  encode(batch: FlowBatch, recordsPerMessage: number): EncodedBatch {
    const { rows } = batch;
    this.#texts.read(batch.texts);
    const used = this.#columns.filter(
      ({ chosen }) => !isZero(chosen.memory(batch), chosen.column.kind, rows),
    );
    const ends = new Uint32Array(Math.ceil(rows / recordsPerMessage));
    let at = 0;
    for (let i = 0; i < ends.length; i++) {
      const first = i * recordsPerMessage;
      at = this.#writeBlock(batch, used, at, first, Math.min(recordsPerMessage, rows - first));
      ends[i] = at;
    }
    const protocol = commonProtocol(batch);
    return {
      bytes: this.#bytes.subarray(0, at),
      ends,
      records: rows,
      framing: 'none',
      columns: this.#told,
      ...(protocol === undefined ? {} : { protocol }),
    };
  }

  #writeBlock(
    batch: FlowBatch,
    used: readonly NativeColumn[],
    start: number,
    first: number,
    rows: number,
  ): number {
    // A block has at least one column.
    const columns = used.length > 0 ? used : this.#columns.slice(0, 1);
    this.#reserve(start, this.#roomFor(columns, batch, first, rows));
    const target = { bytes: this.#bytes, view: this.#view, texts: this.#texts };
    let at = putVarint(this.#view, start, columns.length);
    at = putVarint(this.#view, at, rows);
    for (const { chosen, head, writer } of columns) {
      at += head.copy(this.#bytes, at);
      at = writer.write(target, at, chosen.memory(batch), first, rows);
    }
    return at;
  }

  #roomFor(
    columns: readonly NativeColumn[],
    batch: FlowBatch,
    first: number,
    rows: number,
  ): number {
    return columns.reduce(
      (sum, { chosen, head, writer }) =>
        sum + head.length + writer.room * rows + this.#textOctets(chosen, batch, first, rows),
      2 * VARINT_ROOM + OVERRUN,
    );
  }

  #textOctets({ column, memory }: ChosenColumn, batch: FlowBatch, first: number, rows: number) {
    if (column.kind !== 'text') return 0;
    const indexes = memory(batch) as Uint32Array;
    let octets = 0;
    for (let row = first; row < first + rows; row++) {
      octets += this.#texts.lengthOf(indexes[row] as number);
    }
    return octets;
  }

  /** Makes sure that so many octets can be written behind `end`. */
  #reserve(end: number, octets: number): void {
    if (end + octets <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(end + octets, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, end);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer, grown.byteOffset, grown.byteLength);
  }
}

function typesWith(address: string, time: string): Readonly<Record<ColumnKind, string>> {
  return {
    u8: 'UInt8',
    u16: 'UInt16',
    u32: 'UInt32',
    u64: 'UInt64',
    time,
    address,
    mac: 'UInt64',
    text: 'String',
  };
}

/** A text after its length. */
function withLength(text: string): Buffer {
  const octets = Buffer.from(text);
  const room = Buffer.alloc(VARINT_ROOM);
  const length = putVarint(new DataView(room.buffer, room.byteOffset), 0, octets.length);
  return Buffer.concat([room.subarray(0, length), octets]);
}

/** Any batch of decoded flow, for property tests: every column of the catalogue, edges of every kind. */
import fc from 'fast-check';
import { COLUMNS, type Column, type ColumnKind } from '../../src/flow/model/columns.ts';
import { type ColumnMemory, FlowBatch } from '../../src/flow/model/flow-batch.ts';

/** A value of a column: a number, two words, four words, or a text. */
export type FlowValue = number | readonly number[] | string;

/** Rows as objects: the value of each column by its key. Zero where a row has none. */
export type FlowRow = Readonly<Record<string, FlowValue>>;

const word = fc.oneof(
  fc.constantFrom(0, 1, 9, 10, 99, 100, 255, 256, 999, 1000, 65_535, 65_536, 999_999, 1_000_000),
  fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 999_999_999, 1_000_000_000),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const words = (count: number) => fc.array(word, { minLength: count, maxLength: count });

/** Milliseconds to the microsecond, from 1970 to 2255. */
const time = fc
  .oneof(
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    fc.integer({ min: 1_700_000_000_000_000, max: 1_900_000_000_000_000 }),
    fc.integer({ min: 0, max: 9_007_199_254 }).map((seconds) => seconds * 1e6),
  )
  .map((us) => us / 1000);

/** Values of each kind: a column of a new kind does not compile without one. */
const VALUES: Readonly<Record<ColumnKind, fc.Arbitrary<FlowValue>>> = {
  u8: fc.integer({ min: 0, max: 255 }),
  u16: fc.integer({ min: 0, max: 65_535 }),
  u32: word,
  u64: words(2),
  time,
  address: fc.oneof(
    words(4),
    word.map((ipv4) => [0, 0, 0xffff, ipv4]),
    fc.array(fc.constantFrom(0, 0, 1, 0x1_0000, 0xffff), { minLength: 4, maxLength: 4 }),
  ),
  mac: fc.tuple(fc.integer({ min: 0, max: 0xffff }), word),
  text: fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('Gi0/0/1', 'a,b', '"', '\r\n', '\u0000', 'ü€𝄞', '\\', "'"),
  ),
};

const ZEROS: Readonly<Record<ColumnKind, FlowValue>> = {
  u8: 0,
  u16: 0,
  u32: 0,
  u64: [0, 0],
  time: 0,
  address: [0, 0, 0, 0],
  mac: [0, 0],
  text: '',
};

/** Columns of somebody's own mapping, one of each kind. */
export const SOME_EXTRA_COLUMNS: readonly Column[] = Object.keys(VALUES).map((kind) => ({
  key: `own${kind.charAt(0).toUpperCase()}${kind.slice(1)}`,
  kind: kind as ColumnKind,
  meaning: `of a mapping, ${kind}`,
}));

/** Rows of which each has a value in some columns, and some columns have one in no row. */
export function arbitraryFlowRows(
  extraColumns: readonly Column[] = [],
  maxRows = 80,
): fc.Arbitrary<FlowRow[]> {
  const columns = [...COLUMNS, ...extraColumns];
  return fc.subarray(columns).chain((present) => {
    const row = fc.record(
      Object.fromEntries(
        present.map(({ key, kind }) => [
          key,
          fc.oneof(VALUES[kind], { arbitrary: fc.constant(ZEROS[kind]), weight: 1 }),
        ]),
      ),
    );
    const zeros = Object.fromEntries(columns.map(({ key, kind }) => [key, ZEROS[kind]]));
    return fc
      .array(row, { maxLength: maxRows, size: 'max' })
      .map((rows) => rows.map((values) => ({ ...zeros, ...values })));
  });
}

/** The batch that has these rows. */
export function flowBatchOf(rows: readonly FlowRow[], extraColumns: readonly Column[] = []) {
  const batch = new FlowBatch(Math.max(1, rows.length), extraColumns);
  for (const [i, row] of rows.entries()) {
    for (const { key, kind } of COLUMNS) setValue(batch, kind, batch.columns[key], i, row[key]);
    for (const [e, { key, kind }] of extraColumns.entries()) {
      setValue(batch, kind, batch.extras[e] as ColumnMemory[ColumnKind], i, row[key]);
    }
  }
  batch.rows = rows.length;
  return batch;
}

function setValue(
  batch: FlowBatch,
  kind: ColumnKind,
  memory: ColumnMemory[ColumnKind],
  row: number,
  value: FlowValue = ZEROS[kind],
): void {
  if (typeof value === 'string') {
    (memory as Uint32Array)[row] = batch.textIndex(value);
  } else if (typeof value === 'number') {
    (memory as Uint32Array)[row] = value;
  } else if ('high' in memory) {
    [memory.high[row], memory.low[row]] = value as [number, number];
  } else {
    memory.set(value, row * 4);
  }
}

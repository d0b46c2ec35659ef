import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  arbitraryFlowRows,
  type FlowRow,
  type FlowValue,
  flowBatchOf,
  SOME_EXTRA_COLUMNS,
} from '../../../test/support/arbitrary-flow-batch.ts';
import { bigOf, isUnknown, microsecondsOf } from '../../../test/support/flow-values.ts';
import { readNative } from '../../../test/support/native-reader.ts';
import { COLUMNS, type Column } from '../model/columns.ts';
import { columnName } from './columns.ts';
import { nativeFormat } from './native.ts';

const columns: readonly Column[] = [...COLUMNS, ...SOME_EXTRA_COLUMNS];

function make(options: object = {}) {
  return nativeFormat.create(nativeFormat.options.parse(options), {
    extraColumns: SOME_EXTRA_COLUMNS,
    keyed: true,
  });
}

function batchOf(rows: readonly FlowRow[]) {
  return flowBatchOf(rows, SOME_EXTRA_COLUMNS);
}

function expected({ kind }: Column, value: FlowValue, types: 'current' | 'basic'): string {
  switch (kind) {
    case 'u8':
    case 'u16':
    case 'u32':
      return String(value);
    case 'u64':
    case 'mac':
      return String(bigOf(value));
    case 'time': {
      const us = microsecondsOf(value);
      return String(types === 'current' ? us : Math.min(Math.floor(us / 1e6), 0xffff_ffff));
    }
    case 'address':
      return (value as readonly number[])
        .map((word) => word.toString(16).padStart(8, '0'))
        .join('');
    case 'text':
      return (value as string).toWellFormed();
  }
}

function assertRow(
  found: Readonly<Record<string, string>> | undefined,
  row: FlowRow,
  types: 'current' | 'basic',
): void {
  for (const column of columns) {
    const value = row[column.key] as FlowValue;
    const text = found?.[columnName(column.key)];
    if (text === undefined) assert.ok(isUnknown(value), column.key);
    else assert.equal(text, expected(column, value, types), column.key);
  }
}

describe("ClickHouse's Native format", () => {
  for (const types of ['current', 'basic'] as const) {
    test(`has every value of every row, with ${types} types`, () => {
      const format = make({ types });
      fc.assert(
        fc.property(
          arbitraryFlowRows(SOME_EXTRA_COLUMNS),
          fc.integer({ min: 1, max: 100 }),
          (rows, n) => {
            const { bytes, ends, records } = format.encode(batchOf(rows), n);
            const read = readNative(bytes);
            assert.equal(records, rows.length);
            assert.equal(read.length, rows.length);
            assert.equal(ends.length, Math.ceil(rows.length / n));
            assert.equal(ends.at(-1) ?? 0, bytes.length);
            for (const [i, row] of rows.entries()) assertRow(read[i], row, types);
          },
        ),
      );
    });
  }

  test('has the fields named, and at least one column', () => {
    const format = make({ fields: ['dst_port', 'src_port'] });
    const { bytes, columns: told } = format.encode(batchOf([{ srcPort: 53 }, {}]), 9);
    assert.deepEqual(readNative(bytes), [{ src_port: '53' }, { src_port: '0' }]);
    assert.deepEqual(told, [
      { name: 'dst_port', type: 'UInt16', comment: 'destination port' },
      { name: 'src_port', type: 'UInt16', comment: 'source port' },
    ]);
    assert.deepEqual(readNative(format.encode(batchOf([{}]), 9).bytes), [{ dst_port: '0' }]);
  });
});

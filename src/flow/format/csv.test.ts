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
import { isUnknown, textOf } from '../../../test/support/flow-values.ts';
import { COLUMNS, type Column } from '../model/columns.ts';
import { columnName } from './columns.ts';
import { csvFormat } from './csv.ts';

const columns: readonly Column[] = [...COLUMNS, ...SOME_EXTRA_COLUMNS];
const TYPES = ['', 'SFLOW_5', 'NETFLOW_V5', 'NETFLOW_V9', 'IPFIX'];

function make(options: object = {}) {
  return csvFormat.create(csvFormat.options.parse(options), {
    extraColumns: SOME_EXTRA_COLUMNS,
    keyed: false,
  });
}

function batchOf(rows: readonly FlowRow[]) {
  return flowBatchOf(rows, SOME_EXTRA_COLUMNS);
}

/** Reads CSV as RFC 4180, section 2, describes it, with line feeds between records. */
function parse(text: string): string[][] {
  const records: string[][] = [];
  let fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    assert.ok(match, `no field at ${text.slice(field.lastIndex, field.lastIndex + 40)}`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '\n') {
      records.push(fields);
      fields = [];
    }
  }
  return records;
}

function expected({ key, kind }: Column, value: FlowValue): string {
  if (key === 'type') return TYPES[value as number] ?? String(value);
  if (!isUnknown(value)) return textOf(kind, value).toWellFormed();
  return ['u8', 'u16', 'u32', 'u64'].includes(kind) ? '0' : '';
}

describe('CSV', () => {
  test('has every value of every row behind a header line', () => {
    const format = make();
    fc.assert(
      fc.property(arbitraryFlowRows(SOME_EXTRA_COLUMNS), fc.integer({ min: 1 }), (rows, n) => {
        const { bytes, ends, header } = format.encode(batchOf(rows), n);
        const messages = [...ends].map((end, i) => `${bytes.subarray(ends[i - 1] ?? 0, end)}\n`);
        const wanted = rows.map((row) =>
          columns.map((column) => expected(column, row[column.key] as FlowValue)),
        );
        assert.deepEqual(parse(`${header}${messages.join('')}`), [
          columns.map(({ key }) => columnName(key)),
          ...wanted,
        ]);
      }),
    );
  });

  test('has the fields named, times and protocols as asked for, a line a record', () => {
    const format = make({
      fields: ['time_flow_end', 'proto', 'own_text'],
      times: 'ms',
      protocol_names: true,
    });
    const rows = [
      { timeFlowEnd: 1_700_000_000_123.4, proto: 17, ownText: 'a "b"' },
      { proto: 89, ownText: 'c' },
    ];
    const { bytes, ends, header } = format.encode(batchOf(rows), 2);
    assert.equal(String(header), 'time_flow_end_ms,proto,own_text\n');
    assert.equal(String(bytes), '1700000000123,UDP,"a ""b"""\n,89,c');
    assert.deepEqual([...ends], [bytes.length]);
  });
});

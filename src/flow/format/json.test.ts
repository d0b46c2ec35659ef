import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  arbitraryFlowRows,
  type FlowRow,
  flowBatchOf,
  SOME_EXTRA_COLUMNS,
} from '../../../test/support/arbitrary-flow-batch.ts';
import { bigOf, isUnknown, microsecondsOf, textOf } from '../../../test/support/flow-values.ts';
import { COLUMNS, type Column } from '../model/columns.ts';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import { columnName } from './columns.ts';
import { jsonFormat } from './json.ts';

const columns: readonly Column[] = [...COLUMNS, ...SOME_EXTRA_COLUMNS];
const TYPES = ['', 'SFLOW_5', 'NETFLOW_V5', 'NETFLOW_V9', 'IPFIX'];

function make(options: object = {}, keyed = false) {
  return jsonFormat.create(jsonFormat.options.parse(options), {
    extraColumns: SOME_EXTRA_COLUMNS,
    keyed,
  });
}

function messagesOf({ bytes, ends }: EncodedBatch): string[] {
  return [...ends].map((end, i) => bytes.toString('utf8', ends[i - 1] ?? 0, end));
}

/** Parses with whole numbers as they stand. */
function parse(text: string): unknown {
  return JSON.parse(text, (_, value, context?: { source?: string }) =>
    typeof value === 'number' ? BigInt(context?.source ?? '') : value,
  );
}

function expected({ key, kind }: Column, value: FlowRow[string]): unknown {
  if (key === 'type') return TYPES[value as number] || String(value);
  if (kind === 'u64') return bigOf(value);
  return typeof value === 'number' && kind !== 'time' ? BigInt(value) : textOf(kind, value);
}

function batchOf(rows: readonly FlowRow[]) {
  return flowBatchOf(rows, SOME_EXTRA_COLUMNS);
}

describe('flat JSON', () => {
  test('has every value of every row, and nothing of what is unknown', () => {
    const format = make();
    fc.assert(
      fc.property(arbitraryFlowRows(SOME_EXTRA_COLUMNS), (rows) => {
        const encoded = format.encode(batchOf(rows), 1);
        const wanted = rows.map((row) =>
          Object.fromEntries(
            columns.flatMap((column) => {
              const value = row[column.key] as FlowRow[string];
              if (isUnknown(value)) return [];
              return [[columnName(column.key), expected(column, value)]];
            }),
          ),
        );
        assert.deepEqual(messagesOf(encoded).map(parse), wanted);
        assert.equal(encoded.records, rows.length);
      }),
    );
  });

  test('writes unknown values as 0, "" and null when that is asked for', () => {
    const format = make({ empty: true });
    const encoded = format.encode(batchOf([{}]), 1);
    const zeros = { time: null, address: null, mac: null, text: '' } as Record<string, unknown>;
    const wanted = columns.map(({ key, kind }) => [
      columnName(key),
      key === 'type' || zeros[kind] === null ? null : (zeros[kind] ?? 0),
    ]);
    assert.deepEqual(JSON.parse(messagesOf(encoded)[0] ?? ''), Object.fromEntries(wanted));
    assert.equal(messagesOf(make().encode(batchOf([{}]), 1))[0], '{}');
  });

  test('writes the fields named, in their order, known or not', () => {
    const format = make({ fields: ['bytes', 'src_addr', 'proto'] });
    const rows = [{ bytes: [0, 7], srcAddr: [0, 0, 0xffff, 0xc000_0201] }, { proto: 6 }];
    assert.deepEqual(messagesOf(format.encode(batchOf(rows), 1)), [
      '{"bytes":7,"src_addr":"192.0.2.1","proto":0}',
      '{"bytes":0,"src_addr":null,"proto":6}',
    ]);
    assert.throws(() => make({ fields: ['source'] }), /fields: there is no column "source"; there/);
  });

  test('writes times as numbers whose unit is in their name', () => {
    const row = { timeFlowEnd: 1_700_000_000_123.456 };
    const us = BigInt(microsecondsOf(row.timeFlowEnd));
    for (const [times, value] of [
      ['s', us / 1_000_000n],
      ['ms', us / 1000n],
      ['us', us],
      ['ns', us * 1000n],
    ] as const) {
      const [text = ''] = messagesOf(make({ times }).encode(batchOf([row]), 1));
      assert.equal(text, `{"time_flow_end_${times}":${value}}`);
    }
  });

  test('writes protocols by name when that is asked for, those without name in digits', () => {
    const format = make({ protocol_names: true });
    const rows = [
      { type: 4, etype: 0x800, proto: 6 },
      { etype: 0x86dd, proto: 47 },
    ];
    assert.deepEqual(messagesOf(format.encode(batchOf(rows), 1)), [
      '{"type":"IPFIX","etype":"IPv4","proto":"TCP"}',
      '{"etype":"IPv6","proto":"47"}',
    ]);
  });

  test('puts several rows into a message, a line each, and those of an exporter under its key', () => {
    const rows = [1, 1, 1, 2, 2, 1].map((host, i) => ({
      samplerAddress: [0, 0, 0xffff, 0xc000_0200 + host],
      proto: i + 1,
    }));
    const batch = batchOf(rows);
    const lines = messagesOf(make({ fields: ['proto'] }).encode(batch, 4));
    assert.deepEqual(lines, [
      '{"proto":1}\n{"proto":2}\n{"proto":3}\n{"proto":4}',
      '{"proto":5}\n{"proto":6}',
    ]);
    const { keys = [], ...keyed } = make({ fields: ['proto'] }, true).encode(batch, 2);
    assert.deepEqual(messagesOf(keyed), [
      '{"proto":1}\n{"proto":2}',
      '{"proto":3}',
      '{"proto":4}\n{"proto":5}',
      '{"proto":6}',
    ]);
    assert.deepEqual(keys.map(String), ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.1']);
  });

  test('names the protocol when all rows have the same', () => {
    const of = (...types: number[]) =>
      make().encode(batchOf(types.map((type) => ({ type }))), 1).protocol;
    assert.equal(of(3, 3), 'netflow9');
    assert.equal(of(3, 4), undefined);
    assert.equal(of(), undefined);
  });

  test('takes no option that it does not know', () => {
    assert.throws(() => make({ feilds: ['proto'] }), /feilds/);
    assert.throws(() => make({ fields: ['proto', 'proto'] }), /a field is named twice/);
  });
});

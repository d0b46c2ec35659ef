import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NetflowDecoding } from '../../../../test/support/netflow-decoding.ts';
import {
  ipfixMessage,
  ipfixTemplate,
  number,
  type Spec,
  set,
  VARIABLE,
  variable,
} from '../../../../test/support/netflow-writer.ts';
import { COLUMNS } from '../../model/columns.ts';
import { NUMBER_SOURCES } from './sources.ts';

const BITS: Readonly<Record<string, number>> = { u8: 8, u16: 16, u32: 32, u64: 64, mac: 48 };
const plainSources = Object.entries(NUMBER_SOURCES).flatMap(([key, [id]]) => {
  const kind = COLUMNS.find((column) => column.key === key)?.kind ?? '';
  // Those that are not what the field says as it is have tests of their own.
  return ['mplsLabel', 'ipFlags', 'vlanId', 'mac'].some((one) => one === key || one === kind)
    ? []
    : [{ key, id, bits: BITS[kind] ?? 0 }];
});

test('numbers of all columns, in fields of any length, fixed and variable', () => {
  const value = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const column = fc.record({
    source: fc.constantFrom(...plainSources),
    octets: fc.integer({ min: 1, max: 8 }),
    isVariable: fc.boolean(),
    isLong: fc.boolean(),
  });
  const filler = fc.integer({ min: 0, max: 3 });
  const template = fc.uniqueArray(fc.record({ column, filler }), {
    minLength: 1,
    maxLength: 12,
    selector: ({ column: { source } }) => source.id,
  });
  fc.assert(
    fc.property(
      template,
      fc.array(fc.array(value, { minLength: 12, maxLength: 12 }), { minLength: 1, maxLength: 9 }),
      (fields, records) => {
        const specs = fields.flatMap(
          ({ column: { source, octets, isVariable }, filler: gap }): Spec[] => [
            [source.id, isVariable ? VARIABLE : octets],
            [210, gap],
          ],
        );
        const octetsOf = (record: readonly bigint[]) =>
          fields.flatMap(({ column: { octets, isVariable, isLong }, filler: gap }, i) => {
            const plain = number(record[i] ?? 0n, octets);
            return [
              ...(isVariable ? variable(plain, isLong) : plain),
              ...new Array(gap).fill(0xee),
            ];
          });
        const message = ipfixMessage([
          set(2, ipfixTemplate(256, specs)),
          set(256, records.flatMap(octetsOf)),
        ]);
        const rows = new NetflowDecoding({ batchRows: 4 }).decode([message]);
        assert.equal(rows.length, records.length);
        for (const [r, row] of rows.entries()) {
          for (const [
            i,
            {
              column: { source, octets },
            },
          ] of fields.entries()) {
            const expected = BigInt.asUintN(
              Math.min(source.bits, octets * 8),
              records[r]?.[i] ?? 0n,
            );
            assert.equal(
              BigInt((row as Record<string, bigint>)[source.key] ?? 0),
              expected,
              source.key,
            );
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

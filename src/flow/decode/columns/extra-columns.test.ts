import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetflowDecoding } from '../../../../test/support/netflow-decoding.ts';
import {
  ipfixMessage,
  ipfixTemplate,
  number,
  type Spec,
  set,
  u16,
  u32,
  VARIABLE,
  variable,
} from '../../../../test/support/netflow-writer.ts';
import { EXTRA_COLUMNS } from './extra-columns.ts';

test('the columns of the user take elements of enterprises too', () => {
  const extra = (
    column: string,
    element: number,
    kind: 'text' | 'u64' | 'address' | 'time',
    enterprise = 0,
  ) => ({ column, element, enterprise, kind, time: 'seconds' }) as const;
  const decoding = new NetflowDecoding({
    extras: [
      extra('applicationName', 96, 'text'),
      extra('latency', 7, 'u64', 9),
      extra('proxy', 8, 'address', 9),
      extra('seen', 9, 'time', 9),
    ],
  });
  const fields: Spec[] = [
    [96, VARIABLE],
    [7, 5, 9],
    [8, 4, 9],
    [9, 4, 9],
    [7, 2],
  ];
  const record = [
    ...variable(Buffer.from('döner')),
    ...number(0x01_0000_0002, 5),
    192,
    0,
    2,
    9,
    ...u32(100),
    ...u16(80),
  ];
  decoding.decode([ipfixMessage([set(2, ipfixTemplate(256, fields)), set(256, record)])]);
  assert.deepEqual(decoding.extras, [
    ['döner', 0x01_0000_0002n, [0, 0, 0xffff, 0xc000_0209], 100_000],
  ]);
  assert.equal(decoding.rows[0]?.srcPort, 80);
});

test('columns of the user are refused with the place and what is wrong', () => {
  const problemOf = (column: Record<string, unknown>) => {
    const result = EXTRA_COLUMNS.safeParse([
      { column: 'app', element: 95, kind: 'u32', ...column },
    ]);
    return result.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join();
  };
  assert.equal(problemOf({}), undefined);
  assert.match(
    problemOf({ column: 'srcAddr' }) ?? '',
    /^0\.column: there is a column srcAddr already/,
  );
  assert.match(problemOf({ column: 'App-Id' }) ?? '', /^0\.column: must be a name such as/);
  assert.match(problemOf({ element: 65_536 }) ?? '', /^0\.element: /);
  assert.match(problemOf({ kind: 'float' }) ?? '', /^0\.kind: /);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetflowDecoding } from '../../../test/support/netflow-decoding.ts';
import {
  ipfixMessage,
  ipfixOptionsTemplate,
  ipfixTemplate,
  netflow5Message,
  netflow9Message,
  netflow9OptionsTemplate,
  netflow9Template,
  number,
  set,
  u16,
  u32,
} from '../../../test/support/netflow-writer.ts';

/** Options of NetFlow v9 that tell the rate of samplers. */
function samplers(rates: readonly (readonly [id: number, rate: number])[], domain = 1): Uint8Array {
  return netflow9Message(
    [
      set(
        1,
        netflow9OptionsTemplate(
          400,
          [[1, 4]],
          [
            [48, 2],
            [50, 4],
          ],
        ),
      ),
      set(
        400,
        rates.flatMap(([id, rate]) => [...u32(0), ...u16(id), ...u32(rate)]),
      ),
    ],
    { domain },
  );
}

/** A flow of each sampler; without samplers one flow that names none. */
function flows(ids: readonly number[], domain = 1): Uint8Array {
  const template =
    ids.length > 0
      ? netflow9Template(256, [
          [2, 4],
          [48, 1],
        ])
      : netflow9Template(257, [[2, 4]]);
  const records = ids.flatMap((id) => [...u32(1), id]);
  const data = ids.length > 0 ? set(256, records) : set(257, u32(1));
  return netflow9Message([set(0, template), data], { domain });
}

const ratesOf = (rows: readonly { samplingRate?: unknown }[]) =>
  rows.map(({ samplingRate = 0 }) => samplingRate);

test('the rate of a flow is that of its sampler', () => {
  const decoding = new NetflowDecoding();
  decoding.decode([
    samplers([
      [1, 100],
      [2, 5000],
    ]),
  ]);
  assert.deepEqual(ratesOf(decoding.decode([flows([1, 2, 3])])), [100, 5000, 0]);
  assert.equal(decoding.counts['samplingUnknown'], 1);
});

test('flows that name no sampler have the rate of all of them, when there is one', () => {
  const decoding = new NetflowDecoding();
  decoding.decode([
    samplers([
      [1, 100],
      [2, 100],
    ]),
  ]);
  assert.deepEqual(ratesOf(decoding.decode([flows([])])), [100]);
  decoding.decode([samplers([[2, 200]])]);
  assert.deepEqual(ratesOf(decoding.decode([flows([])])), [0]);
});

test('options of another source id, or another port, hold for flows that have none', () => {
  const decoding = new NetflowDecoding();
  decoding.decode([samplers([[1, 100]], 7)], { port: 1 });
  assert.deepEqual(ratesOf(decoding.decode([flows([1], 8)], { port: 2 })), [100]);
  decoding.decode([samplers([[1, 300]], 8)], { port: 2 });
  assert.deepEqual(
    ratesOf(decoding.decode([flows([1], 8), flows([1], 7)], { port: 2 })),
    [300, 100],
  );
  const other = { source: [0, 0, 0xffff, 0xc633_6401] };
  assert.deepEqual(ratesOf(decoding.decode([flows([1], 7)], other)), [0]);
});

test('what a record says itself comes first, and what the user says before all', () => {
  const decode = (sampling: { prefix: string; rate: number }[]) => {
    const decoding = new NetflowDecoding({ sampling });
    const template = ipfixTemplate(256, [
      [305, 4],
      [306, 4],
    ]);
    const message = ipfixMessage([
      set(2, template),
      set(256, [...u32(1), ...u32(99), ...u32(0), ...u32(0)]),
    ]);
    decoding.decode([samplers([[1, 7]])]);
    return ratesOf(decoding.decode([message]));
  };
  assert.deepEqual(decode([]), [100, 7]);
  assert.deepEqual(
    decode([
      { prefix: '192.0.2.0/24', rate: 5 },
      { prefix: '192.0.2.1', rate: 6 },
    ]),
    [6, 6],
  );
  assert.deepEqual(
    decode([
      { prefix: '192.0.3.0/24', rate: 5 },
      { prefix: '::/0', rate: 8 },
    ]),
    [8, 8],
  );
  assert.deepEqual(decode([{ prefix: '2001:db8::/32', rate: 5 }]), [100, 7]);
});

test('NetFlow v5 has the rate in its header', () => {
  const record = new Array<number>(48).fill(1);
  const decoding = new NetflowDecoding();
  const rows = decoding.decode([
    netflow5Message([record], { sampling: (2 << 14) | 512 }),
    netflow5Message([record]),
  ]);
  assert.deepEqual(ratesOf(rows), [512, 0]);
});

test('names of interfaces are told, by options of NetFlow v9 and of IPFIX', () => {
  const told: unknown[] = [];
  const names = {
    interfaceNamed: (...[, index, name, description]: [Uint32Array, number, string, string]) =>
      void told.push([index, name, description]),
  };
  const decoding = new NetflowDecoding({ names });
  const text = (value: string, octets: number) => [
    ...Buffer.alloc(octets, 0).fill(value, 0, value.length),
  ];
  decoding.decode([
    netflow9Message([
      set(
        1,
        netflow9OptionsTemplate(
          400,
          [[2, 2]],
          [
            [82, 8],
            [83, 8],
          ],
        ),
      ),
      set(400, [...u16(5), ...text('eth5', 8), ...text('uplink', 8)]),
    ]),
    ipfixMessage([
      set(
        3,
        ipfixOptionsTemplate(400, 1, [
          [10, 4],
          [82, 8],
        ]),
      ),
      set(400, [...u32(6), ...text('eth6', 8)]),
    ]),
  ]);
  assert.deepEqual(told, [
    [5, 'eth5', 'uplink'],
    [6, 'eth6', ''],
  ]);
});

test('times of IPFIX by uptime hold when options have said when the exporter started', () => {
  const decoding = new NetflowDecoding();
  const start = 1_699_000_000_000;
  const flow = ipfixMessage([
    set(
      2,
      ipfixTemplate(256, [
        [22, 4],
        [21, 4],
      ]),
    ),
    set(256, [...u32(5000), ...u32(6000)]),
  ]);
  assert.deepEqual(
    decoding.decode([flow]).map(({ timeFlowStart = 0 }) => timeFlowStart),
    [0],
  );
  decoding.decode([
    ipfixMessage([
      set(
        3,
        ipfixOptionsTemplate(400, 1, [
          [149, 4],
          [160, 8],
        ]),
      ),
      set(400, [...u32(1), ...number(start, 8)]),
    ]),
  ]);
  assert.deepEqual(
    decoding.decode([flow]).map((row) => [row.timeFlowStart, row.timeFlowEnd]),
    [[start + 5000, start + 6000]],
  );
});

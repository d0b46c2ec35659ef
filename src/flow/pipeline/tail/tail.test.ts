import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWords } from '../../enrich/address-words.ts';
import { FlowBatch } from '../../model/flow-batch.ts';
import { FlowFilter } from './flow-filter.ts';
import { FlowTap } from './flow-tap.ts';
import type { TailedRecords, TailRequest } from './request.ts';
import { type TailWish, type TappedWorker, Taps } from './taps.ts';

const ALL: TailWish = {
  pipelines: [],
  exporters: [],
  addresses: [],
  ports: [],
  protocols: [],
  recordsPerSecond: 100,
};

interface Row {
  readonly exporter?: string;
  readonly src?: string;
  readonly dst?: string;
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly proto?: number;
  readonly name?: string;
}

function batchOf(rows: readonly Row[]): FlowBatch {
  const batch = new FlowBatch(rows.length);
  const { columns } = batch;
  for (const [i, row] of rows.entries()) {
    columns.samplerAddress.set(parseWords(row.exporter ?? '192.0.2.1') ?? [], i * 4);
    columns.srcAddr.set(parseWords(row.src ?? '10.0.0.1') ?? [], i * 4);
    columns.dstAddr.set(parseWords(row.dst ?? '10.0.0.2') ?? [], i * 4);
    columns.srcPort[i] = row.srcPort ?? 1;
    columns.dstPort[i] = row.dstPort ?? 2;
    columns.proto[i] = row.proto ?? 6;
    columns.samplerName[i] = batch.textIndex(row.name ?? '');
    columns.bytes.high[i] = 1;
    columns.bytes.low[i] = i;
  }
  batch.rows = rows.length;
  return batch;
}

function matching(wish: Partial<TailWish>, rows: readonly Row[]): number[] {
  const filter = new FlowFilter({ ...ALL, ...wish });
  const batch = batchOf(rows);
  return rows.flatMap((_, i) => (filter.matches(batch, i) ? [i] : []));
}

test('filters ask for exporter, address on either side, port on either side and protocol, all of them', () => {
  const rows: Row[] = [
    {},
    { exporter: '2001:db8::1' },
    { src: '198.51.100.7' },
    { dst: '198.51.100.8' },
    { srcPort: 443 },
    { dstPort: 443, proto: 17 },
  ];
  assert.deepEqual(matching({}, rows), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(matching({ exporters: ['2001:db8::/32'] }, rows), [1]);
  assert.deepEqual(matching({ addresses: ['198.51.100.0/29', '198.51.100.8'] }, rows), [2, 3]);
  assert.deepEqual(matching({ ports: [443] }, rows), [4, 5]);
  assert.deepEqual(matching({ ports: [443], protocols: [17] }, rows), [5]);
  assert.deepEqual(matching({ ports: [443], exporters: ['2001:db8::1'] }, rows), []);
  assert.throws(() => matching({ exporters: ['router'] }, rows), TypeError);
});

interface Tapped {
  readonly tap: FlowTap;
  readonly sent: TailedRecords[];
  acknowledge(): void;
  at(milliseconds: number): void;
}

function tapWith(request: Partial<TailRequest>): Tapped {
  const sent: TailedRecords[] = [];
  const waiting: (() => void)[] = [];
  let now = 0;
  const tap = new FlowTap({
    request: { ...ALL, id: 7, ...request },
    extraColumns: [],
    send: (found, done) => {
      sent.push(found);
      waiting.push(done);
    },
    now: () => now,
  });
  return {
    tap,
    sent,
    acknowledge: () => waiting.shift()?.(),
    at: (milliseconds) => {
      now = milliseconds;
    },
  };
}

test('what matches is sent as JSON, with all its values and texts', () => {
  const { tap, sent } = tapWith({ ports: [443] });
  tap.look(batchOf([{ name: 'other' }, { srcPort: 443, src: '2001:db8::9', name: 'edge "1"' }]));
  assert.equal(sent[0]?.id, 7);
  const [record = '', ...rest] = sent[0]?.records ?? [];
  assert.deepEqual(rest, []);
  const found = JSON.parse(record);
  assert.equal(found.src_addr, '2001:db8::9');
  assert.equal(found.sampler_name, 'edge "1"');
  assert.equal(found.bytes, 4_294_967_297);
});

test('more than are wanted a second are left out and counted, and the next second has as many', () => {
  const { tap, sent, acknowledge, at } = tapWith({ recordsPerSecond: 3 });
  const five = batchOf([{}, {}, {}, {}, {}]);
  tap.look(five);
  acknowledge();
  at(500);
  tap.look(five);
  acknowledge();
  at(1000);
  tap.look(five);
  assert.deepEqual(
    sent.map(({ records, skipped }) => [records.length, skipped]),
    [
      [3, 2],
      [0, 5],
      [3, 2],
    ],
  );
});

test('while the message before has not been taken nothing is sent, and memory does not grow', () => {
  const { tap, sent, acknowledge, at } = tapWith({ recordsPerSecond: 1000 });
  const batch = batchOf(Array.from({ length: 100 }, () => ({})));
  for (let i = 0; i < 50; i++) {
    at(i * 1000);
    tap.look(batch);
  }
  assert.equal(sent.length, 1);
  acknowledge();
  at(60_000);
  tap.sendWhenDue();
  assert.deepEqual([sent[1]?.records.length, sent[1]?.skipped], [128, 49 * 100 - 128]);
});

test('every worker that is there or comes is looked at, of the pipelines that were named, until it ends', () => {
  const taps = new Taps();
  const said: string[] = [];
  const worker = (pipeline: string): TappedWorker => ({
    pipeline,
    tap: ({ id }) => said.push(`${pipeline} +${id}`),
    untap: (id) => said.push(`${pipeline} -${id}`),
  });
  const [a, b] = [worker('a'), worker('b')];
  taps.attach(a);
  const seen: unknown[] = [];
  const end = taps.tail({ ...ALL, pipelines: ['b'] }, (...found) => seen.push(found));
  const detach = taps.attach(b);
  taps.found(b, { id: 1, records: ['{}'], skipped: 2 });
  detach();
  taps.attach(worker('c'));
  end();
  taps.found(b, { id: 1, records: ['{}'], skipped: 2 });
  assert.deepEqual(said, ['b +1', 'a -1', 'c -1']);
  assert.deepEqual(seen, [['b', { records: ['{}'], skipped: 2 }]]);
});

test('only so many look at the same time', () => {
  const taps = new Taps();
  const ends = Array.from({ length: 8 }, () => taps.tail(ALL, () => undefined));
  assert.throws(() => taps.tail(ALL, () => undefined), /8 look at flows already/);
  ends[0]?.();
  taps.tail(ALL, () => undefined);
});

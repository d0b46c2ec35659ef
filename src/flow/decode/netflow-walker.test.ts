import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetflowDecoding } from '../../../test/support/netflow-decoding.ts';
import {
  ipfixMessage,
  ipfixTemplate,
  netflow5Message,
  netflow9Message,
  netflow9OptionsTemplate,
  netflow9Template,
  type Spec,
  set,
  u16,
  u32,
  VARIABLE,
  variable,
} from '../../../test/support/netflow-writer.ts';
import { fieldEnd, fieldStart } from './field-values.ts';
import type { MessageHeader, RecordConsumer } from './record-consumer.ts';
import type { RecordSet, Template } from './template.ts';

/** Writes down what a consumer is told. */
class Recorder implements RecordConsumer {
  readonly said: string[] = [];

  begin({ version, sequence }: MessageHeader): void {
    this.said.push(`begin ${version} #${sequence}`);
  }

  records(template: Template, records: RecordSet): void {
    this.said.push(`${template.id}: ${textOf(template, records)}`);
  }

  options(template: Template, records: RecordSet): void {
    this.said.push(`options ${template.id}: ${textOf(template, records)}`);
  }

  end(): void {
    this.said.push('end');
  }

  endBatch(): void {}
}

/** Values in hexadecimal digits, fields apart by commas and records by blanks. */
function textOf({ fields }: Template, records: RecordSet): string {
  return Array.from({ length: records.count }, (_, i) =>
    fields
      .map((field) =>
        records.bytes.subarray(fieldStart(records, i, field), fieldEnd(records, i, field)),
      )
      .map((value) => Buffer.from(value).toString('hex'))
      .join(),
  ).join(' ');
}

function recording(messages: readonly Uint8Array[]) {
  const recorder = new Recorder();
  const decoding = new NetflowDecoding({ consumers: [recorder] });
  decoding.decode(messages);
  return { said: recorder.said, counts: decoding.counts, decoding };
}

const PLAIN: Spec[] = [
  [7, 2],
  [4, 1],
];

test('consumers get sets in their order, between the beginning and the end of their message', () => {
  const { said } = recording([
    ipfixMessage([
      set(2, [...ipfixTemplate(256, PLAIN), ...ipfixTemplate(257, [[1, 1]])]),
      set(256, [0, 80, 6, 0, 53, 17]),
      set(257, [9]),
    ]),
    ipfixMessage([set(2, ipfixTemplate(258, PLAIN))], { sequence: 3 }),
    netflow9Message([
      set(1, netflow9OptionsTemplate(300, [[1, 4]], [[34, 2]])),
      set(300, [...u32(1), ...u16(10)]),
      set(0, netflow9Template(301, PLAIN)),
      set(301, [0, 22, 6]),
    ]),
  ]);
  assert.deepEqual(said, [
    ...['begin 10 #0', '256: 0050,06 0035,11', '257: 09', 'end'],
    ...['begin 9 #0', 'options 300: 00000001,000a', '301: 0016,06', 'end'],
  ]);
});

test('padding is no record: behind records, templates and sets', () => {
  const { said, counts } = recording([
    netflow9Message([
      set(0, netflow9Template(256, PLAIN), 3),
      set(256, [0, 80, 6], 2),
      [0, 0, 0, 0, 0, 0],
    ]),
  ]);
  assert.deepEqual(said.slice(1, -1), ['256: 0050,06']);
  assert.equal(counts['decodedDatagrams'], 1);
});

test('fields of variable length, also of H3C in NetFlow v9, with one octet of length and with three', () => {
  const fields: Spec[] = [
    [7, 2],
    [82, VARIABLE],
    [4, 1],
    [83, VARIABLE],
    [96, 0],
  ];
  const record = (name: number[], text: number[]) => [0, 80, ...name, 6, ...text];
  const records = [
    ...record(variable([]), variable([0xaa])),
    ...record(variable([1, 2, 3], true), variable([0xbb, 0xcc])),
  ];
  const expected = '300: 0050,,06,aa, 0050,010203,06,bbcc,';
  const ipfix = recording([ipfixMessage([set(2, ipfixTemplate(300, fields)), set(300, records)])]);
  assert.equal(ipfix.said[1], expected);
  const v9 = recording([
    netflow9Message([set(0, netflow9Template(300, fields)), set(300, records)]),
  ]);
  assert.equal(v9.said[1], expected);
});

test('records that are cut end their set, and are counted', () => {
  const template = set(
    2,
    ipfixTemplate(300, [
      [82, VARIABLE],
      [4, 1],
    ]),
  );
  for (const rest of [
    [5, 1, 2, 3],
    [255, 0],
    [255, 255, 255, 1, 1],
    [2, 7, 7],
  ]) {
    const { said, counts } = recording([
      ipfixMessage([template, set(300, [1, 0xaa, 6, ...rest]), set(300, [1, 0xbb, 6])]),
    ]);
    assert.deepEqual(said.slice(1, -1), ['300: aa,06', '300: bb,06'], String(rest));
    assert.equal(counts['badRecord'], 1);
    assert.equal(counts['decodedDatagrams'], undefined);
  }
});

test('lengths of sets that lie end in counters, and never in records that are not there', () => {
  const template = set(2, ipfixTemplate(256, PLAIN));
  const whole = set(256, [0, 80, 6]);
  const withLength = (length: number) => [...u16(256), ...u16(length), 0, 22, 6];
  for (const length of [0, 1, 3]) {
    const { said, counts } = recording([
      ipfixMessage([template, whole, withLength(length), whole]),
    ]);
    assert.deepEqual(said.slice(1, -1), ['256: 0050,06'], String(length));
    assert.equal(counts['badSetLength'], 1);
  }
  const { said, counts } = recording([ipfixMessage([template, withLength(500)])]);
  assert.deepEqual(said.slice(1, -1), ['256: 0016,06']);
  assert.equal(counts['badSetLength'], 1);
});

test('messages that say another length than they have', () => {
  const message = ipfixMessage([set(2, ipfixTemplate(256, PLAIN)), set(256, [0, 80, 6, 0, 22, 6])]);
  const cut = recording([message.slice(0, -2)]);
  assert.deepEqual(cut.said.slice(1, -1), ['256: 0050,06']);
  assert.equal(cut.counts['truncated'], 1);
  const longer = recording([Uint8Array.from([...message, ...set(256, [0, 1, 1])])]);
  assert.deepEqual(longer.said.slice(1, -1), ['256: 0050,06 0016,06']);
  assert.equal(longer.counts['badCount'], 1);
  const short = recording([message.slice(0, 15), Uint8Array.from([0, 9, 0])]);
  assert.equal(short.counts['truncated'], 2);
});

test('NetFlow v5 that counts more or fewer records than there are', () => {
  const record = new Array<number>(48).fill(1);
  const more = recording([netflow5Message([record, record], { count: 30 })]);
  assert.equal(more.counts['records'], 2);
  assert.equal(more.counts['truncated'], 1);
  const fewer = recording([netflow5Message([record, record], { count: 1 })]);
  assert.equal(fewer.counts['records'], 1);
  assert.equal(fewer.counts['badCount'], 1);
});

test('templates that are broken or have no octets, and sets without meaning', () => {
  const { said, counts } = recording([
    ipfixMessage([
      set(2, [
        ...ipfixTemplate(256, [
          [7, 0],
          [8, 0],
        ]),
        ...ipfixTemplate(100, PLAIN),
      ]),
      set(256, [1, 2, 3, 4]),
      set(77, [1, 2, 3, 4]),
      set(2, ipfixTemplate(257, PLAIN).slice(0, -1)),
    ]),
  ]);
  assert.deepEqual(said, []);
  assert.equal(counts['emptyTemplates'], 1);
  assert.equal(counts['reservedSets'], 1);
  assert.equal(counts['badTemplate'], 2);
});

test('templates are withdrawn one by one and all at once, and can change', () => {
  const withdrawal = (setId: number, id: number) => ipfixMessage([set(setId, [...u16(id), 0, 0])]);
  const data = ipfixMessage([set(256, [0, 80, 6]), set(257, [0, 80, 6])]);
  const templates = ipfixMessage([
    set(2, [...ipfixTemplate(256, PLAIN), ...ipfixTemplate(257, PLAIN)]),
  ]);
  const changed = ipfixMessage([set(2, ipfixTemplate(256, [[4, 1]]))]);
  const { said, counts } = recording([
    ...[templates, data, withdrawal(2, 256), data, withdrawal(3, 3), data],
    ...[withdrawal(2, 2), data, changed, data],
  ]);
  const sets = said.filter((one) => /^2/.test(one));
  assert.deepEqual(sets.slice(0, 4), [
    '256: 0050,06',
    '257: 0050,06',
    '257: 0050,06',
    '257: 0050,06',
  ]);
  assert.deepEqual(sets.slice(4, 7), ['256: 00 50 06', '256: 00 50 06', '256: 00 50 06'], 'waited');
  assert.equal(counts['templatesWithdrawn'], 2);
  assert.equal(counts['templatesLearnt'], 3);
});

test('types of 0x8000 and more are no enterprise elements in NetFlow v9', () => {
  const { said } = recording([
    netflow9Message([
      set(
        0,
        netflow9Template(256, [
          [40_001, 4],
          [33_000, 2],
        ]),
      ),
      set(256, [1, 2, 3, 4, 5, 6]),
    ]),
  ]);
  assert.equal(said[1], '256: 01020304,0506');
});

test('data before its template waits, and comes with the header that it came with', () => {
  const data = (sequence: number) => ipfixMessage([set(256, [0, sequence, 6])], { sequence });
  const template = ipfixMessage([set(2, ipfixTemplate(256, PLAIN)), set(256, [0, 99, 6])], {
    sequence: 7,
  });
  const { said, counts } = recording([data(5), data(6), template]);
  assert.deepEqual(said, [
    ...['begin 10 #7', '256: 0063,06', 'end'],
    ...['begin 10 #5', '256: 0005,06', 'end', 'begin 10 #6', '256: 0006,06', 'end'],
  ]);
  assert.equal(counts['missingTemplate'], 2);
  assert.equal(counts['pendingDecoded'], 2);
  assert.equal(counts['pendingBytes'], undefined);
});

test('what waits is bounded for each domain, the oldest goes first, and what never comes is counted', () => {
  const decoding = new NetflowDecoding({ limits: { pendingBytesPerDomain: 3000 } });
  const data = (value: number) => ipfixMessage([set(256, u32(value))]);
  decoding.decode(Array.from({ length: 20 }, (_, i) => data(i)));
  assert.ok((decoding.counts['pendingBytes'] ?? 0) <= 3000);
  const rows = decoding.decode([ipfixMessage([set(2, ipfixTemplate(256, [[2, 4]]))])]);
  assert.deepEqual(
    rows.map(({ packets }) => packets),
    [15n, 16n, 17n, 18n, 19n],
  );
  assert.equal(decoding.counts['pendingDropped'], 15);
  decoding.decode([ipfixMessage([set(999, u32(1))])]);
  decoding.stop();
  assert.equal(decoding.counts['pendingDropped'], 16);
});

test('a template from another port of the exporter stands in, not one of another domain', () => {
  const decoding = new NetflowDecoding();
  const template = ipfixMessage([set(2, ipfixTemplate(256, [[2, 4]]))]);
  const data = (domain: number) => ipfixMessage([set(256, u32(5))], { domain });
  decoding.decode([template], { port: 1 });
  assert.equal(decoding.decode([data(1)], { port: 2 }).length, 1);
  assert.equal(decoding.decode([data(2)], { port: 1 }).length, 0);
  assert.equal(decoding.counts['templatesFromOtherPort'], 1);
});

test('data that waits for its template is decoded when that comes from another port', () => {
  const decoding = new NetflowDecoding();
  decoding.decode([ipfixMessage([set(256, u32(5))])], { port: 2 });
  const rows = decoding.decode([ipfixMessage([set(2, ipfixTemplate(256, [[2, 4]]))])], { port: 1 });
  assert.deepEqual(
    rows.map(({ packets, samplerPort }) => [packets, samplerPort]),
    [[5n, 2]],
  );
});

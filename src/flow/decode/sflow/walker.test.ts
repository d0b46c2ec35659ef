import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetsOf } from '../../../../test/support/packets.ts';
import {
  counterSample,
  discardedPacket,
  flowSample,
  type SflowDatagramSpec,
  sflowDatagram,
  words,
} from '../../../../test/support/sflow-writer.ts';
import { makeDecodeCounters, ProtocolCounts } from '../counters.ts';
import type { SflowConsumer, SflowDatagram, SflowSample } from './consumer.ts';
import { SflowWalker } from './walker.ts';

/** Notes all that a walker hands over. */
function walk(...payloads: Uint8Array[]) {
  const heard: unknown[] = [];
  const note = (what: string) => (_: SflowDatagram, sample: SflowSample) => {
    const { formats, starts, ends, ...said } = sample;
    const records = Array.from({ length: sample.records }, (_, i) => [
      formats[i],
      (ends[i] as number) - (starts[i] as number),
    ]);
    heard.push({ what, ...said, records });
  };
  const consumer: SflowConsumer = {
    beginDatagram: ({ bytes, source, agent, ...said }) => {
      heard.push({ what: 'begin', ...said, source: [...source], agent: [...agent] });
    },
    flowSample: note('flow'),
    counterSample: note('counters'),
    endDatagram: () => heard.push('end'),
  };
  const counters = makeDecodeCounters();
  const walker = new SflowWalker(consumer, counters);
  const packets = packetsOf(payloads);
  for (let i = 0; i < packets.count; i++) walker.datagram(packets, i);
  return { heard, counts: new ProtocolCounts(counters, 'sflow') };
}

const record = { format: 1001, data: words(1, 2, 3, 4) };
const unknown = { format: (9 << 12) | 7, data: words(1) };

test('the header of a datagram: agent, sub-agent, sequence, uptime', () => {
  const spec: SflowDatagramSpec = {
    agent: '2001:db8::7',
    subAgent: 3,
    sequence: 0xfffffffe,
    uptimeMs: 0x90000000,
    samples: [],
  };
  const { heard, counts } = walk(sflowDatagram(spec));
  assert.deepEqual(heard, [
    {
      what: 'begin',
      start: 0,
      end: 40,
      receivedMs: 1_700_000_000_123,
      source: [0, 0, 0xffff, 0xc0000201],
      sourcePort: 40_000,
      agentType: 2,
      agent: [0x20010db8, 0, 0, 7],
      subAgent: 3,
      sequence: 0xfffffffe,
      uptimeMs: 0x90000000,
      sampleCount: 0,
    },
    'end',
  ]);
  assert.equal(counts.get('decodedDatagrams'), 1);
});

test('samples of all formats, in their order, with their records', () => {
  const said = { sequence: 7, source: 5, samplingRate: 400, samplePool: 9000, drops: 2 };
  const flow = { ...said, input: 3, output: 4, outputFormat: 2, records: [record, unknown] };
  const { heard, counts } = walk(
    sflowDatagram({
      samples: [
        flowSample(flow),
        flowSample({ ...flow, sourceClass: 1, source: 0x1000000 }, true),
        counterSample({ sequence: 8, source: 6, sourceClass: 2, records: [record] }),
        counterSample({ sequence: 9, source: 0x2000000, records: [] }, true),
        discardedPacket({ drops: 1, input: 11, output: 12, reason: 258, records: [record] }),
      ],
    }),
  );
  const fields = heard.slice(1, -1) as Record<string, unknown>[];
  const records = [
    [1001, 16],
    [(9 << 12) | 7, 4],
  ];
  const interfaces = { inputFormat: 0, input: 3, outputFormat: 2, output: 4 };
  const sampling = { samplingRate: 400, samplePool: 9000, drops: 2, reason: 0 };
  assert.deepEqual(fields.slice(0, 2), [
    {
      what: 'flow',
      kind: 1,
      sequence: 7,
      sourceClass: 0,
      sourceIndex: 5,
      ...sampling,
      ...interfaces,
      records,
    },
    {
      what: 'flow',
      kind: 1,
      sequence: 7,
      sourceClass: 1,
      sourceIndex: 0x1000000,
      ...sampling,
      ...interfaces,
      records,
    },
  ]);
  assert.deepEqual(
    fields
      .slice(2, 4)
      .map(({ what, kind, sequence, sourceClass, sourceIndex, records }) => [
        what,
        kind,
        sequence,
        sourceClass,
        sourceIndex,
        records,
      ]),
    [
      ['counters', 2, 8, 2, 6, [[1001, 16]]],
      ['counters', 2, 9, 0, 0x2000000, []],
    ],
  );
  const { what, kind, drops, input, output, reason } = fields[4] as Record<string, unknown>;
  assert.deepEqual([what, kind, drops, input, output, reason], ['flow', 5, 1, 11, 12, 258]);
  assert.deepEqual(
    (['sets', 'records', 'optionRecords', 'discardedPackets', 'decodedDatagrams'] as const).map(
      (key) => counts.get(key),
    ),
    [5, 3, 2, 1, 1],
  );
});

test('samples of other enterprises are passed over, and counted', () => {
  const other = Buffer.concat([words((8800 << 12) | 1, 8), words(1, 2)]);
  const { heard, counts } = walk(
    sflowDatagram({ samples: [other, counterSample({ records: [] }), other] }),
  );
  assert.equal(heard.length, 3);
  assert.equal(counts.get('unknownFormats'), 2);
  assert.equal(counts.get('decodedDatagrams'), 1);
});

test('of a datagram that is cut, the samples that came whole are used', () => {
  const whole = sflowDatagram({
    samples: [counterSample({ records: [record] }), counterSample({ records: [record] })],
  });
  const sampleLength = 44;
  for (let length = 0; length < whole.length; length++) {
    const { heard, counts } = walk(whole.subarray(0, length));
    const inSamples = length - (whole.length - 2 * sampleLength);
    const expected = Math.max(0, Math.floor(inSamples / sampleLength));
    assert.equal(heard.length, inSamples < 0 ? 0 : expected + 2, `cut to ${length}`);
    assert.equal(counts.get('truncated'), 1);
    assert.equal(counts.get('decodedDatagrams'), 0);
  }
});

test('a record that is longer than its sample is not handed over', () => {
  const sample = counterSample({ records: [record, record] });
  sample.writeUInt32BE(17, sample.length - 20);
  const { heard, counts } = walk(
    sflowDatagram({ samples: [sample, counterSample({ records: [] })] }),
  );
  const [first, second] = heard.slice(1) as { records: unknown[] }[];
  assert.deepEqual(first?.records, [[1001, 16]]);
  assert.deepEqual(second?.records, []);
  assert.equal(counts.get('badSample'), 1);
});

test('a sample that says it is shorter than its own head is malformed', () => {
  const short = Buffer.concat([words(3, 40), Buffer.alloc(40)]);
  const { heard, counts } = walk(sflowDatagram({ samples: [short] }));
  assert.deepEqual(heard.slice(1), ['end']);
  assert.equal(counts.get('badSample'), 1);
});

test('other versions, and agents of unknown types, are no datagrams', () => {
  const version4 = sflowDatagram({ samples: [] });
  version4.writeUInt32BE(4, 0);
  const strangeAgent = sflowDatagram({ samples: [] });
  strangeAgent.writeUInt32BE(3, 4);
  const { heard, counts } = walk(version4, strangeAgent);
  assert.deepEqual(heard, []);
  assert.equal(counts.get('truncated'), 2);
});

test('a count of samples or records that is not true ends with what is there', () => {
  const sample = counterSample({ records: [record] });
  sample.writeUInt32BE(0xffffffff, 16);
  const { heard, counts } = walk(sflowDatagram({ samples: [sample], sampleCount: 0xffffffff }));
  assert.equal(heard.length, 3);
  assert.deepEqual([counts.get('badSample'), counts.get('truncated')], [1, 1]);
});

test('an agent without an address is one', () => {
  const { heard } = walk(sflowDatagram({ agent: '', samples: [] }));
  assert.deepEqual((heard[0] as { agent: number[] }).agent, [0, 0, 0, 0]);
});

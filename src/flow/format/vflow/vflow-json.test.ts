import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  arbitraryMessages,
  MessageWriter,
  type WrittenMessage,
  type WrittenRecord,
} from '../../../../test/support/flow-messages/messages.ts';
import { arbitraryNetflow5 } from '../../../../test/support/flow-messages/netflow5-messages.ts';
import type { Meaning } from '../../../../test/support/flow-messages/values.ts';
import { makeDecodeCounters } from '../../decode/counters.ts';
import { NetflowWalker } from '../../decode/netflow-walker.ts';
import type { EncodedBatch } from '../../model/encoded-batch.ts';
import { makePackets } from '../../model/packets.ts';
import { createVflowJson, VflowJson, vflowOptions } from './vflow-json.ts';

interface Told {
  readonly text: string;
  readonly protocol: string | undefined;
  readonly key: string | undefined;
}

/** What is written of datagrams of one exporter. */
function tell(
  datagrams: readonly Uint8Array[],
  { source, keyed = false }: { source?: readonly number[]; keyed?: boolean } = {},
): { messages: Told[]; records: number } {
  const messages: Told[] = [];
  let records = 0;
  const handOn = (batch: EncodedBatch) => {
    let start = 0;
    records += batch.records;
    for (const [i, end] of batch.ends.entries()) {
      const text = batch.bytes.toString('utf8', start, end);
      messages.push({ text, protocol: batch.protocol, key: batch.keys?.[i]?.toString() });
      start = end;
    }
    assert.equal(start, batch.bytes.length);
    batch.bytes.fill(0);
  };
  const format = new VflowJson({ handOn, keyed });
  walk(format, datagrams, source);
  assert.equal(format.waiting, 0);
  return { messages, records };
}

function walk(
  format: VflowJson,
  datagrams: readonly Uint8Array[],
  source: readonly number[] = [0, 0, 0xffff, 0xc0000201],
): void {
  const walker = new NetflowWalker({ counters: makeDecodeCounters(), consumers: [format.netflow] });
  for (const datagram of datagrams) {
    const packets = makePackets(1, datagram.length);
    packets.bytes.set(datagram);
    packets.lengths[0] = datagram.length;
    packets.sources.set(source);
    packets.receivedMs[0] = 1_700_000_000_000;
    packets.count = 1;
    walker.datagram(packets, 0);
  }
  format.flush();
}

/** Parses JSON; numbers stay as they are written, for those that no double holds. */
function parse(text: string): unknown {
  const reviver = (_: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' ? `#${source}` : value;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

/** A meaning as `parse` returns what is to be written for it. */
function expected(meaning: Meaning, bits: number): unknown {
  if (typeof meaning === 'bigint') return `#${meaning}`;
  if (typeof meaning === 'number') return Number.isFinite(meaning) ? goFloat(meaning, bits) : null;
  return meaning instanceof Uint8Array ? `0x${Buffer.from(meaning).toString('hex')}` : meaning;
}

/** The shortest text that reads as the same number, with an exponent of two digits. */
function goFloat(value: number, bits: number): string {
  const same = (text: string) =>
    bits === 32 ? Math.fround(Number(text)) === value : Number(text) === value;
  // With a number of digits, halves are rounded up; the shortest text has them rounded to even, as Go does.
  const digits = Array.from({ length: 17 }, (_, count) => value.toExponential(count));
  const texts = bits === 32 ? digits : [value.toExponential()];
  const [mantissa, exponent] = (texts.find(same) as string).split('e') as [string, string];
  const sign = Object.is(value, -0) ? '-' : '';
  return `#${sign}${mantissa}E${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

function dataSet(version: number, { template, values }: WrittenRecord): unknown {
  return values.flatMap(({ meaning, octets }, i) => {
    const { id, pen, length } = template.fields[i] as (typeof template.fields)[number];
    if (length === 0) return [];
    const value = { I: `#${id}`, V: expected(meaning, octets.length * 8) };
    return [version === 10 && pen !== 0 ? { ...value, E: `#${pen}` } : value];
  });
}

function messageOf({ version, header, records, octets }: WrittenMessage): unknown {
  const numbers =
    version === 10
      ? {
          Version: 10,
          Length: octets.length,
          ExportTime: header.exportSeconds,
          SequenceNo: header.sequence,
          DomainID: header.domain,
        }
      : {
          Version: 9,
          Count: header.count,
          SysUpTime: header.sysUptime,
          UNIXSecs: header.exportSeconds,
          SeqNum: header.sequence,
          SrcID: header.domain,
        };
  return {
    AgentID: '192.0.2.1',
    Header: Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, `#${value}`])),
    DataSets: records.map((record) => dataSet(version, record)),
  };
}

describe("vFlow's JSON", () => {
  for (const [version, protocol] of [
    [9, 'netflow9'],
    [10, 'ipfix'],
  ] as const) {
    test(`every value of ${protocol} is there, for all types and lengths`, () => {
      fc.assert(
        fc.property(arbitraryMessages(version), (written) => {
          const { messages, records } = tell(written.map(({ octets }) => octets));
          const withRecords = written.filter((message) => message.records.length > 0);
          assert.deepEqual(
            messages.map(({ text }) => parse(text)),
            withRecords.map(messageOf),
          );
          assert.ok(messages.every((message) => message.protocol === protocol));
          assert.equal(
            records,
            written.reduce((sum, message) => sum + message.records.length, 0),
          );
        }),
        { numRuns: 100 },
      );
    });
  }

  test('every value of netflow5 is there, in the order of the record', () => {
    fc.assert(
      fc.property(arbitraryNetflow5(), ({ octets, header, flows }) => {
        const { messages } = tell([octets]);
        assert.equal(messages.length, 1);
        const { AgentID, Header, Flows } = JSON.parse(messages[0]?.text as string);
        assert.equal(AgentID, '192.0.2.1');
        assert.deepEqual(Header, {
          Version: 5,
          Count: header.count,
          SysUpTimeMSecs: header.sysUptime,
          UNIXSecs: header.exportSeconds,
          UNIXNSecs: header.exportNanoseconds,
          SeqNum: header.sequence,
          EngType: header.domain >>> 8,
          EngID: header.domain & 0xff,
          SmpInt: header.sampling,
        });
        assert.deepEqual(Flows, flows.map(netflow5Record));
      }),
    );
  });

  test('a message reads as one of vFlow, key by key', () => {
    const header = [0, 9, 0, 2, 0, 0, 0, 1, 0x5e, 0, 0, 0, 0, 0, 0, 14, 0, 0, 0, 87];
    const template = [0, 0, 0, 20, 1, 0, 0, 3, 0, 8, 0, 4, 0, 4, 0, 1, 0, 1, 0, 4];
    const data = [1, 0, 0, 13, 10, 81, 70, 56, 17, 0, 0, 0, 80];
    const { messages } = tell([Uint8Array.from([...header, ...template, ...data])]);
    assert.deepEqual(
      messages.map(({ text }) => text),
      [
        '{"AgentID":"192.0.2.1","Header":{"Version":9,"Count":2,"SysUpTime":1,"UNIXSecs":1577058304,"SeqNum":14,"SrcID":87},"DataSets":[[{"I":8,"V":"10.81.70.56"},{"I":4,"V":17},{"I":1,"V":80}]]}',
      ],
    );
  });

  test('the agent may have an IPv6 address, which is the key too', () => {
    const writer = new MessageWriter(5, 10);
    const datagrams = Array.from({ length: 5 }, () => writer.next().octets);
    const { messages } = tell(datagrams, { source: [0x20010db8, 0, 0, 7], keyed: true });
    assert.ok(messages.length > 0);
    for (const { text, key } of messages) {
      assert.equal(JSON.parse(text).AgentID, '2001:db8::7');
      assert.equal(key, '2001:db8::7');
    }
  });

  test("the user's elements have the types that a file says", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'floxy-elements-'));
    try {
      const elements = join(folder, 'ipfix.elements');
      await writeFile(elements, '424242:\n  7: [ours, unsigned32]\n');
      const texts: string[] = [];
      const handOn = ({ bytes }: EncodedBatch) => void texts.push(bytes.toString());
      const format = createVflowJson(vflowOptions.parse({ elements }), { handOn, keyed: false });
      walk(format, [
        Uint8Array.from([
          ...[0, 10, 0, 40, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
          ...[0, 2, 0, 16, 1, 0, 0, 1, 0x80, 7, 0, 4, 0, 6, 0x79, 0x32],
          ...[1, 0, 0, 8, 0, 0, 0, 80],
        ]),
      ]);
      assert.deepEqual(JSON.parse(texts[0] as string).DataSets, [[{ I: 7, V: 80, E: 424_242 }]]);
      await writeFile(elements, '424242:\n  7: [ours, number]\n');
      assert.throws(
        () => createVflowJson({ elements }, { handOn, keyed: false }),
        /ipfix\.elements:2: ours has type "number"/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('a datagram that is more than a megabyte of JSON becomes several messages', () => {
    const octets = hugeMessage();
    const { messages, records } = tell([octets]);
    assert.equal(records, 60_000);
    const parsed = messages.map(({ text }) => JSON.parse(text));
    assert.ok(parsed.length > 1);
    assert.ok(messages.every(({ text }) => text.length < 1_000_000));
    const values = parsed.flatMap(({ DataSets }) => DataSets.map(([{ V }]: [{ V: number }]) => V));
    assert.deepEqual(
      values,
      Array.from({ length: 60_000 }, (_, i) => i & 0xff),
    );
    assert.deepEqual(parsed[1].Header, parsed[0].Header);
  });
});

/** 60,000 records of one octet, in a message of IPFIX. */
function hugeMessage(): Uint8Array {
  const template = [0, 2, 0, 12, 1, 0, 0, 1, 0, 4, 0, 1];
  const length = 16 + template.length + 4 + 60_000;
  const octets = new Uint8Array(length);
  octets.set([0, 10, length >>> 8, length & 0xff]);
  octets.set(template, 16);
  octets.set([1, 0, 60_004 >>> 8, 60_004 & 0xff], 28);
  for (let i = 0; i < 60_000; i++) octets[32 + i] = i & 0xff;
  return octets;
}

function netflow5Record(octets: Uint8Array): unknown {
  const flow = Buffer.from(octets);
  const address = (at: number) => flow.subarray(at, at + 4).join('.');
  return {
    SrcAddr: address(0),
    DstAddr: address(4),
    NextHop: address(8),
    Input: flow.readUInt16BE(12),
    Output: flow.readUInt16BE(14),
    PktCount: flow.readUInt32BE(16),
    L3Octets: flow.readUInt32BE(20),
    StartTime: flow.readUInt32BE(24),
    EndTime: flow.readUInt32BE(28),
    SrcPort: flow.readUInt16BE(32),
    DstPort: flow.readUInt16BE(34),
    Padding1: flow.readUInt8(36),
    TCPFlags: flow.readUInt8(37),
    ProtType: flow.readUInt8(38),
    Tos: flow.readUInt8(39),
    SrcAsNum: flow.readUInt16BE(40),
    DstAsNum: flow.readUInt16BE(42),
    SrcMask: flow.readUInt8(44),
    DstMask: flow.readUInt8(45),
    Padding2: flow.readUInt16BE(46),
  };
}

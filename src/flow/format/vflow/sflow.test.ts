import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { packetsOf } from '../../../../test/support/packets.ts';
import {
  ethernetFrame,
  ipv4Packet,
  ipv6Packet,
  tcpHeader,
  udpDatagram,
} from '../../../../test/support/sampled-packets.ts';
import {
  counterSample,
  discardedPacket,
  flowSample,
  longs,
  opaque,
  type SflowRecordSpec,
  sampledHeader,
  sflowDatagram,
  typedAddress,
  words,
} from '../../../../test/support/sflow-writer.ts';
import { makeDecodeCounters } from '../../decode/counters.ts';
import { SflowWalker } from '../../decode/sflow/walker.ts';
import type { EncodedBatch } from '../../model/encoded-batch.ts';
import { VflowJson } from './vflow-json.ts';

/** Messages as text, and what the batch says of them. */
function write(payloads: readonly Uint8Array[], keyed = true) {
  const messages: string[] = [];
  const keys: string[] = [];
  const batches: Omit<EncodedBatch, 'bytes' | 'ends' | 'keys'>[] = [];
  const json = new VflowJson({
    keyed,
    handOn: ({ bytes, ends, keys: batchKeys = [], ...said }) => {
      let start = 0;
      for (const end of ends) {
        messages.push(bytes.toString('utf8', start, end));
        start = end;
      }
      keys.push(...batchKeys.map(String));
      batches.push(said);
    },
  });
  const walker = new SflowWalker(json.sflow, makeDecodeCounters());
  const packets = packetsOf(payloads);
  for (let i = 0; i < packets.count; i++) walker.datagram(packets, i);
  const { waiting } = json;
  json.flush();
  return { messages, keys, batches, waiting };
}

interface Sample {
  readonly Records: Record<string, unknown>;
}

interface Message {
  readonly Samples: readonly Sample[];
  readonly Counters: readonly Sample[];
}

function parsed(...payloads: Uint8Array[]): Message[] {
  return write(payloads).messages.map((text) => JSON.parse(text) as Message);
}

function recordsOf(...records: SflowRecordSpec[]): Record<string, unknown> {
  const [message] = parsed(sflowDatagram({ samples: [flowSample({ records })] }));
  return message?.Samples[0]?.Records ?? {};
}

function countersOf(format: number, data: Uint8Array): Record<string, unknown> {
  const sample = counterSample({ records: [{ format, data }] });
  const [message] = parsed(sflowDatagram({ samples: [sample] }));
  return message?.Counters[0]?.Records ?? {};
}

test("a datagram as in vFlow's README, key for key", () => {
  const packet = ipv4Packet(
    { source: '10.1.8.5', destination: '161.140.24.181', protocol: 6, ttl: 62, id: 13_515 },
    tcpHeader(443, 56_521, 16),
  );
  packet.writeUInt16BE(1452, 2);
  packet.writeUInt16BE(8564, 10);
  const frame = ethernetFrame(0x800, packet);
  Buffer.from('f4a73944a8275800bbe7576f', 'hex').copy(frame);
  const router = Buffer.concat([typedAddress('115.131.251.90'), words(24, 14)]);
  const records = [
    { format: 1002, data: router },
    sampledHeader(frame, { frameLength: 1470 }),
    { format: 1001, data: words(0, 0, 0, 0) },
  ];
  const sample = flowSample({
    sequence: 1_530_345_639,
    source: 7,
    samplingRate: 4096,
    samplePool: 1_938_456_576,
    input: 536,
    output: 728,
    records,
  });
  const payload = sflowDatagram({
    agent: '192.168.10.0',
    subAgent: 5,
    sequence: 37_591,
    uptimeMs: 3_287_084_017,
    samples: [sample],
  });
  const { messages, keys, batches, waiting } = write([payload]);
  assert.deepEqual(messages, [
    '{"Version":5,"IPVersion":1,"AgentSubID":5,"SequenceNo":37591,"SysUpTime":3287084017,"SamplesNo":1,"Samples":[' +
      '{"SequenceNo":1530345639,"SourceID":0,"SamplingRate":4096,"SamplePool":1938456576,"Drops":0,"Input":536,"Output":728,"RecordsNo":3,"Records":{' +
      '"ExtRouter":{"NextHop":"115.131.251.90","SrcMask":24,"DstMask":14},' +
      '"ExtSwitch":{"SrcVlan":0,"SrcPriority":0,"DstVlan":0,"DstPriority":0},' +
      '"RawHeader":{"L2":{"SrcMAC":"58:00:bb:e7:57:6f","DstMAC":"f4:a7:39:44:a8:27","Vlan":0,"EtherType":2048},' +
      '"L3":{"Version":4,"TOS":0,"TotalLen":1452,"ID":13515,"Flags":0,"FragOff":0,"TTL":62,"Protocol":6,"Checksum":8564,"Src":"10.1.8.5","Dst":"161.140.24.181"},' +
      '"L4":{"SrcPort":443,"DstPort":56521,"DataOffset":5,"Reserved":0,"Flags":16},"FrameLength":1470}}}],' +
      '"Counters":[],"IPAddress":"192.168.10.0","ColTime":1700000000}',
  ]);
  assert.deepEqual(keys, ['192.168.10.0']);
  assert.deepEqual(batches, [{ records: 1, protocol: 'sflow' }]);
  assert.equal(waiting, 1);
});

describe('sampled headers', () => {
  const rawHeader = (header: Uint8Array, protocol = 1) =>
    recordsOf(sampledHeader(header, { protocol }))['RawHeader'] as Record<string, unknown>;

  test('IPv6 and UDP behind extension headers', () => {
    const options = Buffer.concat([Buffer.from([17, 0]), Buffer.alloc(6)]);
    const packet = ipv6Packet(
      { next: 60, trafficClass: 3, flowLabel: 9, hopLimit: 7 },
      Buffer.concat([options, udpDatagram(1, 2)]),
    );
    assert.deepEqual(rawHeader(ethernetFrame(0x86dd, packet, [[0x8100, 0xf005]])), {
      L2: { SrcMAC: '02:00:00:00:00:0a', DstMAC: '02:00:00:00:00:0b', Vlan: 5, EtherType: 0x86dd },
      L3: {
        Version: 6,
        TrafficClass: 3,
        FlowLabel: 9,
        PayloadLen: 16,
        NextHeader: 60,
        HopLimit: 7,
        Src: '2001:db8::1',
        Dst: '2001:db8::2',
      },
      L4: { SrcPort: 1, DstPort: 2 },
      FrameLength: 74,
    });
  });

  test('ICMP of a packet without layer 2', () => {
    const packet = ipv4Packet({ protocol: 1 }, Buffer.from([8, 0, 1, 2, 3, 4, 5, 6]));
    const { L2, L4 } = rawHeader(packet, 11);
    assert.deepEqual(L2, { SrcMAC: '', DstMAC: '', Vlan: 0, EtherType: 2048 });
    assert.deepEqual(L4, { Type: 8, Code: 0, RestHeader: 'AwQFBg==' });
  });

  test('what is cut off, not of IP, or a later fragment', () => {
    const tcp = tcpHeader(1, 2, 3);
    const whole = ipv4Packet({ protocol: 6 }, tcp);
    const fragment = ipv4Packet({ protocol: 6, fragment: 5 }, tcp);
    assert.equal(rawHeader(whole.subarray(0, 33), 11)['L4'], null);
    assert.equal(rawHeader(fragment, 11)['L4'], null);
    assert.equal(rawHeader(whole.subarray(0, 19), 11)['L3'], null);
    assert.equal(rawHeader(ethernetFrame(0x806, Buffer.alloc(28)))['L3'], null);
    assert.deepEqual(rawHeader(Buffer.alloc(0)), {
      L2: { SrcMAC: '', DstMAC: '', Vlan: 0, EtherType: 0 },
      L3: null,
      L4: null,
      FrameLength: 0,
    });
  });
});

describe('flow records beside the header', () => {
  test('gateway: AS path and communities', () => {
    const data = Buffer.concat([
      typedAddress('2001:db8::9'),
      words(1, 2, 3, 2, 2, 2, 64_500, 64_501, 1, 0, 2, 0x10002, 0xffffffff, 100),
    ]);
    assert.deepEqual(recordsOf({ format: 1003, data }), {
      ExtGateway: {
        NextHop: '2001:db8::9',
        AS: 1,
        SrcAS: 2,
        SrcPeerAS: 3,
        ASPath: [
          { Type: 2, Path: [64_500, 64_501] },
          { Type: 1, Path: [] },
        ],
        Communities: [0x10002, 0xffffffff],
        LocalPref: 100,
      },
    });
  });

  test('texts are escaped, whatever they are', () => {
    const user = 'a"b\\c\u0000\u001f\u{1f600}\u2028';
    const data = Buffer.concat([
      words(106),
      opaque(user),
      words(0),
      opaque(Buffer.from([0xff, 0x41])),
    ]);
    assert.deepEqual(recordsOf({ format: 1004, data }), {
      ExtUser: { SrcCharset: 106, SrcUser: user, DstCharset: 0, DstUser: '\ufffdA' },
    });
  });

  test('of records of one kind the last, and none of those that are unknown', () => {
    const records = [
      { format: 1001, data: words(1, 2, 3, 4) },
      { format: 1001, data: words(5, 6, 7, 8) },
      { format: (9 << 12) | 1, data: words(1) },
    ];
    assert.deepEqual(recordsOf(...records), {
      ExtSwitch: { SrcVlan: 5, SrcPriority: 6, DstVlan: 7, DstPriority: 8 },
    });
  });

  test('of a record that is cut, the fields that came whole', () => {
    assert.deepEqual(recordsOf({ format: 1001, data: words(5, 6) }), {
      ExtSwitch: { SrcVlan: 5, SrcPriority: 6 },
    });
    assert.deepEqual(recordsOf({ format: 1001, data: Buffer.alloc(0) }), { ExtSwitch: {} });
    const path = Buffer.concat([typedAddress(''), words(1, 2, 3, 0xffffffff, 2, 0xffffffff, 5)]);
    assert.deepEqual(recordsOf({ format: 1003, data: path }), {
      ExtGateway: { NextHop: '', AS: 1, SrcAS: 2, SrcPeerAS: 3, ASPath: [{ Type: 2, Path: [5] }] },
    });
    assert.deepEqual(recordsOf({ format: 1, data: words(1, 2, 3) }), {});
  });
});

describe('counter samples', () => {
  const numbers = (count: number, first = 1) => Array.from({ length: count }, (_, i) => first + i);

  test('every record that vFlow writes, field by field', () => {
    const generic = Buffer.concat([
      words(1, 6),
      longs(10_000_000_000n),
      words(1, 3),
      longs(0xffff_ffff_ffff_ffffn),
      words(...numbers(6, 7)),
      longs(13n),
      words(...numbers(6, 14)),
    ]);
    const text = write([
      sflowDatagram({
        samples: [
          counterSample(
            { sequence: 8, sourceClass: 1, source: 6, records: [{ format: 1, data: generic }] },
            true,
          ),
        ],
      }),
    ]).messages[0];
    assert.ok(
      text?.includes(
        '"Samples":[],"Counters":[{"SequenceNo":8,"SourceIDType":1,"SourceIDIdx":6,"RecordsNo":1,"Records":{"GenInt":{' +
          '"Index":1,"Type":6,"Speed":10000000000,"Direction":1,"Status":3,"InOctets":18446744073709551615,' +
          '"InUnicastPackets":7,"InMulticastPackets":8,"InBroadcastPackets":9,"InDiscards":10,"InErrors":11,' +
          '"InUnknownProtocols":12,"OutOctets":13,"OutUnicastPackets":14,"OutMulticastPackets":15,' +
          '"OutBroadcastPackets":16,"OutDiscards":17,"OutErrors":18,"PromiscuousMode":19}}}],"IPAddress"',
      ),
      text,
    );
    const named = (...keys: string[]) => Object.fromEntries(keys.map((key, i) => [key, i + 1]));
    assert.deepEqual(countersOf(2, words(...numbers(13))), {
      EthInt: named(
        ...['AlignmentErrors', 'FCSErrors', 'SingleCollisionFrames', 'MultipleCollisionFrames'],
        ...['SQETestErrors', 'DeferredTransmissions', 'LateCollisions', 'ExcessiveCollisions'],
        ...['InternalMACTransmitErrors', 'CarrierSenseErrors', 'FrameTooLongs'],
        ...['InternalMACReceiveErrors', 'SymbolErrors'],
      ),
    });
    assert.deepEqual(countersOf(3, words(...numbers(18))), {
      TRInt: named(
        ...['LineErrors', 'BurstErrors', 'ACErrors', 'AbortTransErrors', 'InternalErrors'],
        ...['LostFrameErrors', 'ReceiveCongestions', 'FrameCopiedErrors', 'TokenErrors'],
        ...['SoftErrors', 'HardErrors', 'SignalLoss', 'TransmitBeacons', 'Recoverys', 'LobeWires'],
        ...['Removes', 'Singles', 'FreqErrors'],
      ),
    });
    const vg = Buffer.concat([
      ...[words(1), longs(2n), words(3), longs(4n), words(5, 6, 7, 8, 9), longs(10n), words(11)],
      longs(12n, 13n, 14n),
    ]);
    assert.deepEqual(countersOf(4, vg), {
      VGInt: named(
        ...['InHighPriorityFrames', 'InHighPriorityOctets', 'InNormPriorityFrames'],
        ...['InNormPriorityOctets', 'InIPMErrors', 'InOversizeFrameErrors', 'InDataErrors'],
        ...['InNullAddressedFrames', 'OutHighPriorityFrames', 'OutHighPriorityOctets'],
        ...['TransitionIntoTrainings', 'HCInHighPriorityOctets', 'HCInNormPriorityOctets'],
        'HCOutHighPriorityOctets',
      ),
    });
    const vlan = Buffer.concat([words(1), longs(2n), words(3, 4, 5, 6)]);
    assert.deepEqual(countersOf(5, vlan), {
      Vlan: named(
        'ID',
        'Octets',
        'UnicastPackets',
        'MulticastPackets',
        'BroadcastPackets',
        'Discards',
      ),
    });
    const processor = Buffer.concat([words(1, 2, 3), longs(4n, 5n)]);
    assert.deepEqual(countersOf(1001, processor), {
      Proc: named('CPU5s', 'CPU1m', 'CPU5m', 'TotalMemory', 'FreeMemory'),
    });
  });

  test('records of hosts: texts, floating point numbers, lists', () => {
    const load = Buffer.alloc(12);
    for (const [i, value] of [0.25, 1e20, Number.NaN].entries()) load.writeFloatBE(value, i * 4);
    const cpu = countersOf(2003, Buffer.concat([load, words(...numbers(17))]))['HostCpu'];
    const { LoadOne, LoadFive, LoadFifteen, CpuSteal } = cpu as Record<string, unknown>;
    assert.deepEqual([LoadOne, LoadFive, LoadFifteen, CpuSteal], [0.25, 1e20, null, 15]);
    const uuid = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const descr = Buffer.concat([opaque('router'), uuid, words(3, 2), opaque('6.1')]);
    assert.deepEqual(countersOf(2000, descr), {
      HostDescr: {
        Hostname: 'router',
        Uuid: '00112233-4455-6677-8899-aabbccddeeff',
        MachineType: 3,
        OsName: 2,
        OsRelease: '6.1',
      },
    });
    const mac = Buffer.from('02000000000a0000', 'hex');
    const adapters = Buffer.concat([words(2, 7, 2), mac, mac, words(8, 0)]);
    assert.deepEqual(countersOf(2001, adapters), {
      HostAdapters: {
        Adapters: [
          { IfIndex: 7, Macs: ['02:00:00:00:00:0a', '02:00:00:00:00:0a'] },
          { IfIndex: 8, Macs: [] },
        ],
      },
    });
  });
});

test('flow and counter samples of one datagram, in their order', () => {
  const flow = (sequence: number) => flowSample({ sequence, records: [] });
  const counters = (sequence: number) => counterSample({ sequence, records: [] });
  const samples = [
    flow(1),
    counters(2),
    flow(3),
    discardedPacket({ reason: 258, records: [] }),
    counters(4),
  ];
  const { messages, batches } = write([sflowDatagram({ samples })]);
  const { Samples, Counters } = JSON.parse(messages[0] ?? '') as Record<
    string,
    { SequenceNo: number }[]
  >;
  assert.deepEqual(
    Samples?.map(({ SequenceNo }) => SequenceNo),
    [1, 3, 1],
  );
  assert.equal((Samples?.[2] as { Reason?: number } | undefined)?.Reason, 258);
  assert.deepEqual(
    Counters?.map(({ SequenceNo }) => SequenceNo),
    [2, 4],
  );
  assert.equal(batches[0]?.records, 5);
});

test('interfaces that are none are one number, plain and expanded', () => {
  for (const expanded of [false, true]) {
    const sample = flowSample(
      { outputFormat: 2, output: 17, input: 0x3fffffff, records: [] },
      expanded,
    );
    const [message] = parsed(sflowDatagram({ samples: [sample] }));
    const said = message?.Samples[0] as { Input?: number; Output?: number } | undefined;
    assert.deepEqual([said?.Input, said?.Output], [0x3fffffff, 0x80000011]);
  }
});

test('datagrams without samples are no messages; the next ones are', () => {
  const empty = sflowDatagram({ samples: [] });
  const { messages, keys } = write([
    empty,
    sflowDatagram({ agent: '', samples: [flowSample({ records: [] })] }),
    empty,
  ]);
  assert.equal(messages.length, 1);
  assert.deepEqual(keys, ['192.0.2.1']);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { packetsOf } from '../../../../test/support/packets.ts';
import { type Row, rowsOf } from '../../../../test/support/rows.ts';
import {
  ethernetFrame,
  ipv4Packet,
  MACS,
  tcpHeader,
} from '../../../../test/support/sampled-packets.ts';
import {
  addressOctets,
  counterSample,
  discardedPacket,
  flowSample,
  opaque,
  type SflowRecordSpec,
  sampledHeader,
  sflowDatagram,
  typedAddress,
  words,
} from '../../../../test/support/sflow-writer.ts';
import { BatchWriter } from '../batch-writer.ts';
import { makeDecodeCounters } from '../counters.ts';
import { SflowColumns, type SflowColumnsOptions } from './columns.ts';
import { SflowWalker } from './walker.ts';

function rowsFrom(payloads: Uint8Array[], options: SflowColumnsOptions = {}, batchRows = 64) {
  const rows: Row[] = [];
  const writer = new BatchWriter((batch) => void rows.push(...rowsOf(batch)), { rows: batchRows });
  const walker = new SflowWalker(new SflowColumns(writer, options), makeDecodeCounters());
  const packets = packetsOf(payloads);
  for (let i = 0; i < packets.count; i++) walker.datagram(packets, i);
  writer.flush();
  return rows;
}

const base = {
  type: 1,
  timeReceived: 1_700_000_000_123,
  timeFlowStart: 1_700_000_000_123,
  timeFlowEnd: 1_700_000_000_123,
  sequenceNum: 1,
  samplingRate: 512,
  samplerAddress: '192.0.2.1',
  samplerPort: 40_000,
  packets: 1n,
};

/** What the records of one sample come to, beside what each sample has. */
function columnsOf(...records: SflowRecordSpec[]): Row {
  const [row = {}, ...more] = rowsFrom([sflowDatagram({ samples: [flowSample({ records })] })]);
  assert.deepEqual(more, []);
  const { type, timeReceived, timeFlowStart, timeFlowEnd, sequenceNum, ...rest } = row;
  const { samplingRate, samplerAddress, samplerPort, packets, ...said } = rest;
  const common = { type, timeReceived, timeFlowStart, timeFlowEnd, sequenceNum };
  assert.deepEqual({ ...common, samplingRate, samplerAddress, samplerPort, packets }, base);
  return said;
}

const frame = ethernetFrame(0x800, ipv4Packet({ protocol: 6 }, tcpHeader(1, 2, 0x10)));
const header = sampledHeader(frame, { frameLength: 1514 });
const macs = { srcMac: MACS.source, dstMac: MACS.destination };
const headerColumns = {
  ...macs,
  etype: 0x800,
  srcAddr: '198.51.100.1',
  dstAddr: '203.0.113.2',
  ipTtl: 64,
  proto: 6,
  srcPort: 1,
  dstPort: 2,
  tcpFlags: 0x10,
  bytes: 1514n,
};

describe('flow samples', () => {
  test('what datagram and sample say of each', () => {
    const sample = { input: 7, output: 9, samplingRate: 0xffffffff, records: [] };
    const payload = sflowDatagram({
      agent: '2001:db8::7',
      subAgent: 4,
      sequence: 77,
      samples: [flowSample(sample), flowSample({ ...sample, input: 0x80000001 }, true)],
    });
    const said = {
      ...base,
      samplerAddress: '2001:db8::7',
      observationDomainId: 4,
      sequenceNum: 77,
      samplingRate: 0xffffffff,
      outIf: 9,
    };
    assert.deepEqual(rowsFrom([payload]), [
      { ...said, inIf: 7 },
      { ...said, inIf: 0x80000001 },
    ]);
  });

  test('an agent without address is known by the source of its datagrams', () => {
    const payload = sflowDatagram({ agent: '', samples: [flowSample({ records: [] })] });
    assert.deepEqual(rowsFrom([payload]), [base]);
  });

  test('interfaces: none, several, of a packet that was discarded', () => {
    const interfaces = (input: number, outputFormat: number, output: number) =>
      [false, true].map((expanded) => {
        const sample = flowSample({ input, outputFormat, output, records: [] }, expanded);
        const [row = {}] = rowsFrom([sflowDatagram({ samples: [sample] })]);
        return [row.inIf ?? 0, row.outIf ?? 0, row.forwardingStatus ?? 0];
      });
    const twice = (...row: number[]) => [row, row];
    assert.deepEqual(interfaces(5, 0, 0x3fffffff), twice(5, 0, 0));
    assert.deepEqual(interfaces(0x3fffffff, 0, 6), twice(0, 6, 0));
    assert.deepEqual(interfaces(5, 2, 17), twice(5, 0, 0));
    assert.deepEqual(interfaces(5, 1, 258), twice(5, 0, 129));
    assert.deepEqual(interfaces(5, 1, 9999), twice(5, 0, 128));
  });

  test('packets that devices discarded are rows, with the reason', () => {
    const sample = discardedPacket({ input: 3, output: 4, reason: 262, records: [header] });
    assert.deepEqual(rowsFrom([sflowDatagram({ samples: [sample] })]), [
      { ...base, ...headerColumns, samplingRate: 1, inIf: 3, outIf: 4, forwardingStatus: 133 },
    ]);
  });

  test('a sampling rate that is given for agents holds, whatever they say', () => {
    const sampling = [
      { prefix: '192.0.2.0/24', rate: 7 },
      { prefix: '2001:db8::/32', rate: 9 },
    ];
    const rates = ['192.0.2.1', '198.51.100.1', '2001:db8::1', '192.0.2.1'].flatMap((agent) => {
      const samples = [flowSample({ records: [] }), discardedPacket({ reason: 256, records: [] })];
      return rowsFrom([sflowDatagram({ agent, samples })], { sampling });
    });
    assert.deepEqual(
      rates.map(({ samplingRate }) => samplingRate),
      [7, 1, 512, 1, 9, 1, 7, 1],
    );
  });

  test('counter samples are no rows', () => {
    const samples = [counterSample({ records: [] }), flowSample({ records: [] })];
    assert.equal(rowsFrom([sflowDatagram({ samples })]).length, 1);
  });

  test('more samples than a batch has rows', () => {
    const samples = Array.from({ length: 10 }, (_, i) =>
      flowSample({ input: i + 1, records: [header] }),
    );
    const rows = rowsFrom([sflowDatagram({ samples })], {}, 4);
    assert.deepEqual(
      rows.map(({ inIf }) => inIf),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    assert.ok(rows.every(({ bytes }) => bytes === 1514n));
  });
});

describe('packets', () => {
  test('the header of a packet, and how long it was', () => {
    assert.deepEqual(columnsOf(header), headerColumns);
  });

  test('a header that says it is longer than its record ends with it', () => {
    const data = Buffer.from(header.data);
    data.writeUInt32BE(0xffffffff, 12);
    assert.deepEqual(columnsOf({ format: 1, data }), headerColumns);
  });

  test('the packet inside of a tunnel, where that is wanted', () => {
    const inner = ipv4Packet({ source: '10.0.0.1', protocol: 6 }, tcpHeader(1, 2, 0x10));
    const record = sampledHeader(ethernetFrame(0x800, ipv4Packet({ protocol: 4 }, inner)));
    const payload = sflowDatagram({ samples: [flowSample({ records: [record] })] });
    assert.equal(rowsFrom([payload])[0]?.srcAddr, '198.51.100.1');
    assert.equal(rowsFrom([payload], { tunnelLayer: 'inner' })[0]?.srcAddr, '10.0.0.1');
  });

  test('sampled_ethernet', () => {
    const mac = (text: string) => Buffer.concat([Buffer.from(text, 'hex'), Buffer.alloc(2)]);
    const data = Buffer.concat([
      words(1500),
      mac(MACS.source),
      mac(MACS.destination),
      words(0x86dd),
    ]);
    assert.deepEqual(columnsOf({ format: 2, data }), { ...macs, bytes: 1500n, etype: 0x86dd });
  });

  test('sampled_ipv4 and sampled_ipv6', () => {
    const ip = (address: string) =>
      Buffer.concat([
        words(1480, 17),
        addressOctets(address),
        addressOctets(address),
        words(53, 5353, 0x12, 0xb8),
      ]);
    const common = {
      bytes: 1480n,
      proto: 17,
      srcPort: 53,
      dstPort: 5353,
      tcpFlags: 0x12,
      ipTos: 0xb8,
    };
    assert.deepEqual(columnsOf({ format: 3, data: ip('192.0.2.9') }), {
      ...common,
      etype: 0x800,
      srcAddr: '192.0.2.9',
      dstAddr: '192.0.2.9',
    });
    assert.deepEqual(columnsOf({ format: 4, data: ip('2001:db8::9') }), {
      ...common,
      etype: 0x86dd,
      srcAddr: '2001:db8::9',
      dstAddr: '2001:db8::9',
    });
  });

  test('the length is that of the frame, whatever records follow', () => {
    const ip = Buffer.concat([words(1480, 6), Buffer.alloc(24)]);
    assert.equal(columnsOf(header, { format: 3, data: ip }).bytes, 1514n);
  });

  test('the decrypted payload of a frame of 802.11', () => {
    const packet = ipv4Packet({ protocol: 6 }, tcpHeader(1, 2, 0x10));
    const llc = Buffer.concat([Buffer.from('aaaa030000000800', 'hex'), packet]);
    const data = Buffer.concat([words(0x000fac04, 15, 1514, 0), opaque(llc)]);
    const { srcMac, dstMac, bytes, ...expected } = headerColumns;
    assert.deepEqual(columnsOf({ format: 1013, data }), expected);
  });
});

describe('extended records', () => {
  test('switch: VLANs', () => {
    assert.deepEqual(columnsOf({ format: 1001, data: words(10, 1, 20, 2) }), {
      srcVlan: 10,
      dstVlan: 20,
    });
  });

  test('router: next hop and prefix lengths', () => {
    for (const nextHop of ['192.0.2.254', '2001:db8::fe']) {
      const data = Buffer.concat([typedAddress(nextHop), words(24, 16)]);
      assert.deepEqual(columnsOf({ format: 1002, data }), { nextHop, srcNet: 24, dstNet: 16 });
    }
    const data = Buffer.concat([typedAddress(''), words(24, 16)]);
    assert.deepEqual(columnsOf({ format: 1002, data }), { srcNet: 24, dstNet: 16 });
  });

  const gateway = (own: number, source: number, ...segments: number[][]) =>
    columnsOf({
      format: 1003,
      data: Buffer.concat([
        typedAddress('192.0.2.254'),
        words(own, source, 65_003, segments.length),
        ...segments.map((path) => words(2, path.length, ...path)),
        words(1, 0x00010002, 100),
      ]),
    });

  test('gateway: next hop, AS of the source, and those of the path', () => {
    const bgpNextHop = '192.0.2.254';
    assert.deepEqual(gateway(65_001, 65_002, [4_200_000_001, 7], [8, 9]), {
      bgpNextHop,
      srcAs: 65_002,
      nextHopAs: 4_200_000_001,
      dstAs: 9,
    });
    const own = { bgpNextHop, srcAs: 65_001, dstAs: 65_001 };
    assert.deepEqual(gateway(65_001, 0), own);
    assert.deepEqual(gateway(65_001, 0, []), own);
  });

  test('gateway: a path that is longer than its record ends with it', () => {
    const data = Buffer.concat([
      typedAddress('192.0.2.254'),
      words(1, 2, 3, 0xffffffff, 2, 0x40000001, 5),
    ]);
    assert.deepEqual(columnsOf({ format: 1003, data }), {
      bgpNextHop: '192.0.2.254',
      srcAs: 2,
      dstAs: 1,
    });
  });

  test('MPLS: next hop and the outermost label, where the header has none', () => {
    const data = Buffer.concat([typedAddress('192.0.2.254'), words(2, 0x12345140, 0x54321140, 0)]);
    assert.deepEqual(columnsOf({ format: 1006, data }), {
      nextHop: '192.0.2.254',
      mplsLabel: 0x12345,
    });
  });

  test('NAT: addresses and ports', () => {
    const addresses = Buffer.concat([typedAddress('192.0.2.5'), typedAddress('2001:db8::6')]);
    const records = [
      { format: 1007, data: addresses },
      { format: 1020, data: words(1024, 65_535) },
    ];
    assert.deepEqual(columnsOf(...records), {
      postNatSrcAddr: '192.0.2.5',
      postNatDstAddr: '2001:db8::6',
      postNatSrcPort: 1024,
      postNatDstPort: 65_535,
    });
  });

  test('VLAN tunnel: the outermost tag that was stripped', () => {
    assert.deepEqual(columnsOf({ format: 1012, data: words(2, 0x88a8e123, 0x81000456) }), {
      vlanId: 0x123,
    });
  });

  test('records that are cut say nothing, or what they have', () => {
    for (const format of [1, 2, 3, 4, 1001, 1002, 1003, 1006, 1007, 1012, 1013, 1020]) {
      for (let length = 0; length <= 12; length += 4) {
        const data = Buffer.alloc(length, 1);
        const { vlanId, postNatSrcPort, postNatDstPort, ...rest } = columnsOf({ format, data });
        assert.deepEqual(rest, {}, `format ${format}, ${length} octets`);
      }
    }
  });
});

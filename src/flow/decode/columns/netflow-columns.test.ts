import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetflowDecoding } from '../../../../test/support/netflow-decoding.ts';
import {
  ipfixMessage,
  ipfixTemplate,
  netflow5Message,
  netflow9Message,
  netflow9Template,
  number,
  type Spec,
  set,
  u16,
  u32,
  VARIABLE,
  variable,
} from '../../../../test/support/netflow-writer.ts';

const EXPORTER = {
  timeReceived: 1_700_000_000_123,
  samplerAddress: '192.0.2.1',
  samplerPort: 40_000,
};

/** The one row that an IPFIX record of these fields becomes, without what is said of the exporter. */
function ipfixRow(fields: readonly (readonly [Spec, readonly number[]])[]) {
  const specs = fields.map(([spec]) => spec);
  const values = fields.flatMap(([, value]) => value);
  const message = ipfixMessage([set(2, ipfixTemplate(256, specs)), set(256, values)]);
  const [row, ...others] = new NetflowDecoding().decode([message]);
  assert.deepEqual(others, []);
  const { type, timeReceived, samplerAddress, samplerPort, observationDomainId, ...flow } =
    row ?? {};
  return flow;
}

test('a record of NetFlow v5 fills all that it says', () => {
  const record = [
    ...[10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 254],
    ...u16(3),
    ...u16(4),
    ...u32(7),
    ...u32(4_000_000_000),
    ...u32(940_000),
    ...u32(990_000),
    ...u16(443),
    ...u16(51_000),
    ...[0, 0x1b, 6, 0x10],
    ...u16(64_500),
    ...u16(64_501),
    ...[24, 16, 0, 0],
  ];
  const message = netflow5Message([record], {
    domain: 0x0102,
    sequence: 99,
    sampling: (1 << 14) | 100,
    nanoseconds: 500_000_000,
  });
  assert.deepEqual(new NetflowDecoding().decode([message]), [
    {
      ...EXPORTER,
      type: 2,
      sequenceNum: 99,
      samplingRate: 100,
      observationDomainId: 0x0102,
      timeFlowStart: 1_700_000_000_500 - 60_000,
      timeFlowEnd: 1_700_000_000_500 - 10_000,
      bytes: 4_000_000_000n,
      packets: 7n,
      srcAddr: '10.0.0.1',
      dstAddr: '10.0.0.2',
      nextHop: '10.0.0.254',
      etype: 0x800,
      proto: 6,
      srcPort: 443,
      dstPort: 51_000,
      inIf: 3,
      outIf: 4,
      ipTos: 0x10,
      tcpFlags: 0x1b,
      srcAs: 64_500,
      dstAs: 64_501,
      srcNet: 24,
      dstNet: 16,
    },
  ]);
});

test('times of NetFlow v9 hold when the uptime of the exporter has wrapped between flow and message', () => {
  const decoding = new NetflowDecoding();
  const template = set(
    0,
    netflow9Template(300, [
      [22, 4],
      [21, 4],
    ]),
  );
  const record = set(300, [...u32(2 ** 32 - 5000), ...u32(1000)]);
  const [row] = decoding.decode([netflow9Message([template, record], { sysUptime: 3000 })]);
  assert.equal(row?.timeFlowStart, 1_700_000_000_000 - 8000);
  assert.equal(row?.timeFlowEnd, 1_700_000_000_000 - 2000);
});

test('counters of the way out stand in where those of the way in are zero', () => {
  const decoding = new NetflowDecoding();
  const template = set(
    0,
    netflow9Template(300, [
      [1, 4],
      [2, 4],
      [23, 4],
      [24, 8],
    ]),
  );
  const counters = (values: readonly number[]) =>
    values.flatMap((value, i) => number(value, i === 3 ? 8 : 4));
  const data = set(300, [...counters([0, 0, 500, 5]), ...counters([100, 1, 500, 5])]);
  const rows = decoding.decode([netflow9Message([template, data])]);
  assert.deepEqual(
    rows.map(({ bytes, packets }) => [bytes, packets]),
    [
      [500n, 5n],
      [100n, 1n],
    ],
  );
});

test('points in time of all forms, and lengths of flows', () => {
  const start = 1_700_000_000_000;
  const ntp = (ms: number) => [...u32(ms / 1000 + 2_208_988_800), ...u32(0x8000_0000)];
  assert.deepEqual(
    ipfixRow([
      [[150, 4], u32(start / 1000)],
      [[153, 8], number(start + 7, 8)],
    ]),
    {
      timeFlowStart: start,
      timeFlowEnd: start + 7,
    },
  );
  assert.deepEqual(
    ipfixRow([
      [[154, 8], ntp(start)],
      [[157, 8], ntp(start)],
    ]),
    {
      timeFlowStart: start + 500,
      timeFlowEnd: start + 500,
    },
  );
  assert.deepEqual(
    ipfixRow([
      [[158, 4], u32(2_500_000)],
      [[161, 4], u32(400)],
    ]),
    {
      timeFlowStart: start - 2500,
      timeFlowEnd: start - 2100,
    },
  );
  assert.deepEqual(
    ipfixRow([
      [[22, 4], u32(1000)],
      [[21, 4], u32(2000)],
      [[160, 8], number(start - 10_000, 8)],
    ]),
    { timeFlowStart: start - 9000, timeFlowEnd: start - 8000 },
  );
  assert.deepEqual(
    ipfixRow([
      [[323, 8], number(start, 8)],
      [[22, 4], u32(77)],
    ]),
    {
      timeFlowStart: start,
      timeFlowEnd: start,
    },
  );
});

test('IPv6, NAT, MPLS, MAC addresses, VLANs, ICMP and flags of fragments', () => {
  const ipv6 = [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 9];
  const row = ipfixRow([
    [[27, 16], ipv6],
    [[28, 16], ipv6],
    [[62, 16], ipv6],
    [
      [225, 4],
      [198, 51, 100, 1],
    ],
    [[282, 16], ipv6],
    [[227, 2], u16(1024)],
    [
      [70, 3],
      [0x01, 0x86, 0xa1],
    ],
    [
      [56, 6],
      [2, 0, 0, 0, 0, 1],
    ],
    [
      [57, 6],
      [0, 0, 0, 0, 0, 0],
    ],
    [
      [80, 6],
      [0xfe, 0xff, 0xff, 0xff, 0xff, 1],
    ],
    [[58, 2], u16(100)],
    [[254, 2], u16(200)],
    [[139, 2], u16(0x8001)],
    [[197, 1], [0x60]],
    [[89, 4], u32(0x42)],
    [[31, 4], u32(0xabcde)],
    [[61, 1], [1]],
    [[192, 1], [63]],
  ]);
  assert.deepEqual(row, {
    srcAddr: '2001:db8::9',
    dstAddr: '2001:db8::9',
    nextHop: '2001:db8::9',
    etype: 0x86dd,
    postNatSrcAddr: '198.51.100.1',
    postNatDstAddr: '2001:db8::9',
    postNatSrcPort: 1024,
    mplsLabel: 0x0186a,
    srcMac: '020000000001',
    dstMac: 'feffffffff01',
    srcVlan: 100,
    vlanId: 100,
    dstVlan: 200,
    icmpType: 0x80,
    icmpCode: 1,
    ipFlags: 3,
    forwardingStatus: 0x42,
    ipv6FlowLabel: 0xabcde,
    direction: 1,
    ipTtl: 63,
  });
});

/** UDP from port 53 to 5353, as IPv4 from 192.0.2.1 to 198.51.100.1. */
const PACKET = [
  ...[0x45, 0x10, ...u16(28), 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 1],
  ...[...u16(53), ...u16(5353), ...u16(8), 0, 0],
];
const OF_PACKET = {
  ...{ packets: 1n, srcAddr: '192.0.2.1', dstAddr: '198.51.100.1', etype: 0x800, proto: 17 },
  ...{ srcPort: 53, dstPort: 5353, ipTos: 0x10, ipTtl: 64 },
};

test('records that have the first octets of a packet become rows by these', () => {
  const ethernet = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
  assert.deepEqual(
    ipfixRow([
      [[312, 2], u16(1500)],
      [[315, VARIABLE], variable([...ethernet, ...PACKET])],
    ]),
    {
      ...OF_PACKET,
      bytes: 1500n,
      srcMac: '020000000001',
      dstMac: '020000000002',
    },
  );
  assert.deepEqual(
    ipfixRow([
      [[313, PACKET.length], PACKET],
      [[224, 8], number(28, 8)],
      [[10, 4], u32(7)],
    ]),
    {
      ...OF_PACKET,
      bytes: 28n,
      inIf: 7,
    },
  );
});

test('a template with addresses of both versions: each record has those that it says', () => {
  const fields: Spec[] = [
    [8, 4],
    [27, 16],
    [12, 4],
    [28, 16],
  ];
  const none = new Array(16).fill(0);
  const data = set(256, [
    ...[10, 0, 0, 1, ...none, 10, 0, 0, 2, ...none],
    ...[0, 0, 0, 0, 0x20, ...none.slice(1), 0, 0, 0, 0, 0x20, ...none.slice(1)],
  ]);
  const rows = new NetflowDecoding().decode([
    ipfixMessage([set(2, ipfixTemplate(256, fields)), data]),
  ]);
  assert.deepEqual(
    rows.map(({ srcAddr, dstAddr, etype }) => [srcAddr, dstAddr, etype]),
    [
      ['10.0.0.1', '10.0.0.2', 0x800],
      ['2000::', '2000::', 0x86dd],
    ],
  );
});

test('type and code of ICMP come from the destination port where there is no field for them', () => {
  const fields: Spec[] = [
    [4, 1],
    [11, 2],
  ];
  const data = set(256, [1, ...u16(0x0301), 6, ...u16(0x0301)]);
  const rows = new NetflowDecoding().decode([
    ipfixMessage([set(2, ipfixTemplate(256, fields)), data]),
  ]);
  assert.deepEqual(
    rows.map(({ icmpType, icmpCode }) => [icmpType, icmpCode]),
    [
      [3, 1],
      [undefined, undefined],
    ],
  );
});

test('more records than a batch has rows go on in the next one', () => {
  const decoding = new NetflowDecoding({ batchRows: 5 });
  const values = Array.from({ length: 1300 }, (_, i) => i + 1);
  const template = set(2, ipfixTemplate(256, [[2, 4]]));
  const rows = decoding.decode([
    ipfixMessage([
      template,
      set(
        256,
        values.flatMap((value) => u32(value)),
      ),
    ]),
  ]);
  assert.deepEqual(
    rows.map(({ packets }) => packets),
    values.map(BigInt),
  );
  assert.ok(decoding.batches.every((size) => size === 5));
});

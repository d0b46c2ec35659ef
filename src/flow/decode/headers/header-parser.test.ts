import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Row, rowOf } from '../../../../test/support/rows.ts';
import {
  ethernetFrame,
  ipv4Packet,
  ipv6Packet,
  MACS,
  mplsStack,
  tcpHeader,
  udpDatagram,
} from '../../../../test/support/sampled-packets.ts';
import { FlowBatch } from '../../model/flow-batch.ts';
import { HEADER_PROTOCOL, HeaderParser, type TunnelLayer } from './header-parser.ts';

function parse(
  header: Uint8Array,
  protocol: number = HEADER_PROTOCOL.ethernet,
  layer: TunnelLayer = 'outer',
): Row {
  const batch = new FlowBatch(2);
  const room = Buffer.concat([Buffer.alloc(3, 0xff), header, Buffer.alloc(64, 0xff)]);
  new HeaderParser(batch.columns, layer).parse(protocol, room, 3, 3 + header.length, 1);
  assert.deepEqual(rowOf(batch, 0), {});
  return rowOf(batch, 1);
}

const macs = { srcMac: MACS.source, dstMac: MACS.destination };
const tcp = tcpHeader(443, 51_000, 0x112);
const tcpColumns = { proto: 6, srcPort: 443, dstPort: 51_000, tcpFlags: 0x112 };
const ipv4Tcp = ipv4Packet({ protocol: 6 }, tcp);
const ipv4Columns = {
  etype: 0x800,
  srcAddr: '198.51.100.1',
  dstAddr: '203.0.113.2',
  ipTtl: 64,
};
const ipv6Columns = {
  etype: 0x86dd,
  srcAddr: '2001:db8::1',
  dstAddr: '2001:db8::2',
  ipTtl: 64,
};

describe('layer 2', () => {
  test('Ethernet', () => {
    assert.deepEqual(parse(ethernetFrame(0x800, ipv4Tcp)), {
      ...macs,
      ...ipv4Columns,
      ...tcpColumns,
    });
    assert.deepEqual(parse(ethernetFrame(0x806, Buffer.alloc(28))), { ...macs, etype: 0x806 });
  });

  test('802.1Q and 802.1ad: the outermost VLAN', () => {
    const tags = [
      [0x88a8, 0xe123],
      [0x8100, 0x0456],
      [0x9100, 0x0789],
    ];
    const expected = { ...macs, ...ipv4Columns, ...tcpColumns, vlanId: 0x123 };
    assert.deepEqual(parse(ethernetFrame(0x800, ipv4Tcp, tags)), expected);
  });

  test('802.3 with LLC and SNAP', () => {
    const snap = Buffer.concat([Buffer.from('aaaa030000000800', 'hex'), ipv4Tcp]);
    const expected = { ...macs, ...ipv4Columns, ...tcpColumns };
    assert.deepEqual(parse(ethernetFrame(snap.length, snap)), expected);
    const bridge = Buffer.from('424203000000', 'hex');
    assert.deepEqual(parse(ethernetFrame(38, bridge)), macs);
  });

  test('a stack of MPLS labels: the outermost', () => {
    const ipv6 = ipv6Packet({ next: 6 }, tcp);
    const columns = { mplsLabel: 0xfffff, ...tcpColumns };
    assert.deepEqual(parse(ethernetFrame(0x8847, mplsStack([0xfffff, 16, 17], ipv4Tcp))), {
      ...macs,
      ...ipv4Columns,
      ...columns,
    });
    assert.deepEqual(parse(mplsStack([0xfffff], ipv6), HEADER_PROTOCOL.mpls), {
      ...ipv6Columns,
      ...columns,
    });
    const endless = Buffer.alloc(12);
    assert.deepEqual(parse(ethernetFrame(0x8848, endless)), { ...macs, etype: 0x8848 });
  });

  test('PPP, PPP over Ethernet, Cisco HDLC', () => {
    const expected = { ...ipv4Columns, ...tcpColumns };
    for (const before of ['ff030021', '0021', '21', '0f000800']) {
      const packet = Buffer.concat([Buffer.from(before, 'hex'), ipv4Tcp]);
      assert.deepEqual(parse(packet, HEADER_PROTOCOL.ppp), expected, before);
      assert.deepEqual(parse(packet, HEADER_PROTOCOL.pos), expected, before);
    }
    const overEthernet = Buffer.concat([Buffer.from('1100000100360021', 'hex'), ipv4Tcp]);
    assert.deepEqual(parse(ethernetFrame(0x8864, overEthernet)), { ...macs, ...expected });
  });

  test('data frames of IEEE 802.11', () => {
    const [first, second, third, fourth] = [
      '020000000001',
      '020000000002',
      '020000000003',
      '020000000004',
    ];
    const snap = Buffer.concat([Buffer.from('aaaa030000000800', 'hex'), ipv4Tcp]);
    const frame = (control: string, ...parts: (string | undefined)[]) =>
      Buffer.concat([
        Buffer.from(`${control}0000${first}${second}${third}0000${parts.join('')}`, 'hex'),
        snap,
      ]);
    const expected = { ...ipv4Columns, ...tcpColumns };
    const wifi = (header: Buffer) => parse(header, HEADER_PROTOCOL.wifi);
    assert.deepEqual(wifi(frame('0800')), { ...expected, dstMac: first, srcMac: second });
    assert.deepEqual(wifi(frame('8801', '0000')), { ...expected, dstMac: third, srcMac: second });
    assert.deepEqual(wifi(frame('0802')), { ...expected, dstMac: first, srcMac: third });
    assert.deepEqual(wifi(frame('8803', fourth, '0000')), {
      ...expected,
      dstMac: third,
      srcMac: fourth,
    });
    assert.deepEqual(wifi(frame('0842')), { dstMac: first, srcMac: third }, 'encrypted');
    assert.deepEqual(wifi(frame('8000')), {}, 'a beacon');
  });

  test('of kinds of headers that are not parsed nothing is said', () => {
    assert.deepEqual(parse(ethernetFrame(0x800, ipv4Tcp), 4), {});
    assert.deepEqual(parse(ethernetFrame(0x800, ipv4Tcp), 0xffffffff), {});
  });
});

describe('layer 3', () => {
  test('IPv4, with options', () => {
    const packet = ipv4Packet(
      {
        protocol: 17,
        tos: 0xb8,
        ttl: 3,
        id: 0xbeef,
        fragment: 0x4000,
        options: Buffer.alloc(40, 1),
      },
      udpDatagram(53, 5353),
    );
    assert.deepEqual(parse(packet, HEADER_PROTOCOL.ipv4), {
      ...ipv4Columns,
      proto: 17,
      ipTos: 0xb8,
      ipTtl: 3,
      fragmentId: 0xbeef,
      ipFlags: 2,
      srcPort: 53,
      dstPort: 5353,
    });
  });

  test('fragments of IPv4: only the first has ports', () => {
    const first = ipv4Packet({ protocol: 6, id: 7, fragment: 0x2000 }, tcp);
    const later = ipv4Packet({ protocol: 6, id: 7, fragment: 0x2005 }, tcp);
    const columns = { ...ipv4Columns, fragmentId: 7, ipFlags: 1 };
    assert.deepEqual(parse(first, HEADER_PROTOCOL.ipv4), { ...columns, ...tcpColumns });
    assert.deepEqual(parse(later, HEADER_PROTOCOL.ipv4), {
      ...columns,
      proto: 6,
      fragmentOffset: 5,
    });
  });

  test('IPv6, with traffic class and flow label', () => {
    const packet = ipv6Packet(
      { next: 58, trafficClass: 0x9c, flowLabel: 0xabcde, hopLimit: 255 },
      Buffer.from([135, 1, 0, 0]),
    );
    assert.deepEqual(parse(packet, HEADER_PROTOCOL.ipv6), {
      ...ipv6Columns,
      ipTos: 0x9c,
      ipv6FlowLabel: 0xabcde,
      ipTtl: 255,
      proto: 58,
      icmpType: 135,
      icmpCode: 1,
    });
  });

  test('extension headers of IPv6', () => {
    const header = (next: number, length: number, octets: number) =>
      Buffer.concat([Buffer.from([next, length]), Buffer.alloc(octets - 2)]);
    const chain = Buffer.concat([
      header(43, 0, 8), // hop-by-hop options
      header(60, 2, 24), // routing
      header(51, 0, 8), // destination options
      header(44, 4, 24), // authentication
      Buffer.from([135, 0, 0x00, 0x01, 0xde, 0xad, 0xbe, 0xef]), // first fragment
      header(139, 0, 8), // mobility
      header(140, 0, 8), // host identity
      header(6, 0, 8), // shim6
      tcp,
    ]);
    assert.deepEqual(parse(ipv6Packet({ next: 0 }, chain), HEADER_PROTOCOL.ipv6), {
      ...ipv6Columns,
      ...tcpColumns,
      ipFlags: 1,
      fragmentId: 0xdeadbeef,
    });
  });

  test('a later fragment of IPv6 has no ports', () => {
    const fragment = Buffer.concat([Buffer.from([6, 0, 0x01, 0x01, 0, 0, 0, 9]), tcp]);
    assert.deepEqual(parse(ipv6Packet({ next: 44 }, fragment), HEADER_PROTOCOL.ipv6), {
      ...ipv6Columns,
      proto: 6,
      ipFlags: 1,
      fragmentId: 9,
      fragmentOffset: 0x20,
    });
  });

  test('padding behind a packet is not a header', () => {
    const empty = Buffer.concat([
      ipv4Packet({ protocol: 6 }, Buffer.alloc(0)),
      Buffer.alloc(26, 7),
    ]);
    const expected = { ...macs, ...ipv4Columns, proto: 6 };
    assert.deepEqual(parse(ethernetFrame(0x800, empty)), expected);
  });
});

describe('layer 4', () => {
  test('ports of UDP, UDP-Lite, DCCP and SCTP', () => {
    for (const protocol of [17, 136, 33, 132]) {
      const row = parse(ipv4Packet({ protocol }, udpDatagram(1000, 65_535)), HEADER_PROTOCOL.ipv4);
      assert.deepEqual(row, { ...ipv4Columns, proto: protocol, srcPort: 1000, dstPort: 65_535 });
    }
  });

  test('ICMP', () => {
    const row = parse(
      ipv4Packet({ protocol: 1 }, Buffer.from([3, 13, 0, 0])),
      HEADER_PROTOCOL.ipv4,
    );
    assert.deepEqual(row, { ...ipv4Columns, proto: 1, icmpType: 3, icmpCode: 13 });
  });

  test('what is cut off is not read', () => {
    const whole = ethernetFrame(0x800, ipv4Tcp);
    const expected: Row[] = [];
    for (let length = 0; length <= whole.length; length++) {
      expected.push({
        ...(length >= 14 ? { ...macs, etype: 0x800 } : {}),
        ...(length >= 34 ? { ...ipv4Columns, proto: 6 } : {}),
        ...(length >= 38 ? { srcPort: 443, dstPort: 51_000 } : {}),
        ...(length >= 48 ? { tcpFlags: 0x112 } : {}),
      });
      assert.deepEqual(parse(whole.subarray(0, length)), expected.at(-1), `${length} octets`);
    }
  });
});

describe('tunnels', () => {
  const inner = ipv4Packet(
    { source: '10.0.0.1', destination: '10.0.0.2', protocol: 6, ttl: 9 },
    tcp,
  );
  const innerColumns = {
    etype: 0x800,
    srcAddr: '10.0.0.1',
    dstAddr: '10.0.0.2',
    ipTtl: 9,
    ...tcpColumns,
  };
  const innerFrame = ethernetFrame(0x800, inner, [[0x8100, 77]]);
  const geneve = Buffer.concat([
    Buffer.from('0100655800000100', 'hex'),
    Buffer.alloc(4),
    innerFrame,
  ]);
  const vxlan = Buffer.concat([Buffer.from('0800000000000100', 'hex'), innerFrame]);
  const gre = (hex: string, payload: Uint8Array) =>
    ipv4Packet({ protocol: 47 }, Buffer.concat([Buffer.from(hex, 'hex'), payload]));
  const withMacs = { ...innerColumns, ...macs, vlanId: 77 };
  const outerMacs = { ...innerColumns, ...macs };
  const cases: [string, Uint8Array, number, Row][] = [
    ['IPv4 in IPv4', ipv4Packet({ protocol: 4 }, inner), 4, outerMacs],
    ['GRE', gre('00000800', inner), 47, outerMacs],
    [
      'GRE with checksum, key, sequence',
      gre('b0000800000000000000000100000002', inner),
      47,
      outerMacs,
    ],
    ['GRE with a frame', gre('00006558', innerFrame), 47, withMacs],
    ['VXLAN', ipv4Packet({ protocol: 17 }, udpDatagram(5, 4789, vxlan)), 17, withMacs],
    ['Geneve', ipv4Packet({ protocol: 17 }, udpDatagram(5, 6081, geneve)), 17, withMacs],
  ];
  for (const [name, packet, protocol, expected] of cases) {
    test(`${name}: the outer packet, or the inner one`, () => {
      const outer = parse(ethernetFrame(0x800, packet));
      assert.deepEqual([outer.srcAddr, outer.proto], ['198.51.100.1', protocol]);
      assert.deepEqual(
        parse(ethernetFrame(0x800, packet), HEADER_PROTOCOL.ethernet, 'inner'),
        expected,
      );
    });

    test(`${name}: the outer packet where the inner one is cut off`, () => {
      const whole = ethernetFrame(0x800, packet);
      const start = whole.indexOf(inner);
      for (let length = 0; length < start + 20; length++) {
        const cut = whole.subarray(0, length);
        assert.deepEqual(
          parse(cut, HEADER_PROTOCOL.ethernet, 'inner'),
          parse(cut),
          `${length} octets`,
        );
      }
    });
  }

  test('IPv4 in IPv6, and tunnels in tunnels', () => {
    const deep = ipv6Packet(
      { next: 4 },
      ipv4Packet({ protocol: 47 }, Buffer.concat([Buffer.from('00000800', 'hex'), inner])),
    );
    assert.deepEqual(parse(deep, HEADER_PROTOCOL.ipv6, 'inner'), innerColumns);
  });

  test('a hundred tunnels in each other end', () => {
    let packet = inner;
    for (let i = 0; i < 100; i++) packet = ipv4Packet({ protocol: 4, ttl: i }, packet);
    assert.equal(parse(packet, HEADER_PROTOCOL.ipv4, 'inner').ipTtl, 95);
  });
});

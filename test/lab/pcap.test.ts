import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Datagram, DatagramReader } from './datagrams.ts';
import { CaptureReader, type Frame } from './pcap.ts';

const SOURCE = '192.0.2.1';
const DESTINATION = '192.0.2.2';
const PAYLOAD = Buffer.from('flow');
/** 192.0.2.1:1000 to 192.0.2.2:2055, "flow"; checksums computed by hand (RFC 1071). */
const IPV4 = Buffer.from(
  '450000200001000040 11f6c8c0000201c0000202 03e8 0807 000c 99ff 666c6f77'.replaceAll(' ', ''),
  'hex',
);
/** 2001:db8::1 port 1000 to 2001:db8::2 port 2055, "flow". */
const IPV6 = Buffer.from(
  '60000000000c1140 20010db8000000000000000000000001 20010db8000000000000000000000002 03e8 0807 000c c28e 666c6f77'.replaceAll(
    ' ',
    '',
  ),
  'hex',
);

function readAll(frames: readonly Frame[]): Datagram[] {
  const reader = new DatagramReader();
  return frames.flatMap((frame) => reader.push(frame) ?? []);
}

function ethernet(packet: Buffer): Buffer {
  const type = packet[0] === undefined || packet[0] >> 4 === 4 ? '0800' : '86dd';
  return Buffer.concat([Buffer.from(`020000000001020000000002${type}`, 'hex'), packet]);
}

/** A pcap file in either byte order. */
function pcapFile(
  linkType: number,
  frames: readonly Buffer[],
  endian: 'LE' | 'BE',
  magic: number,
): Buffer {
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes[`writeUInt32${endian}`](value);
    return bytes;
  };
  const version = Buffer.alloc(4);
  version[`writeUInt16${endian}`](2);
  version[`writeUInt16${endian}`](4, 2);
  const header = [u32(magic), version, u32(0), u32(0), u32(262_144), u32(linkType)];
  const records = frames.flatMap((frame) => [
    u32(1),
    u32(2),
    u32(frame.length),
    u32(frame.length),
    frame,
  ]);
  return Buffer.concat([...header, ...records]);
}

/** A pcapng file: section, interface, then one enhanced and one simple packet block. */
function pcapngFile(linkType: number, frame: Buffer): Buffer {
  const block = (type: number, body: Buffer) => {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    const bytes = Buffer.alloc(12 + padded.length);
    bytes.writeUInt32LE(type, 0);
    bytes.writeUInt32LE(bytes.length, 4);
    padded.copy(bytes, 8);
    bytes.writeUInt32LE(bytes.length, bytes.length - 4);
    return bytes;
  };
  const section = Buffer.from('4d3c2b1a01000000ffffffffffffffff', 'hex');
  const device = Buffer.alloc(8);
  device.writeUInt16LE(linkType);
  const enhanced = Buffer.alloc(20);
  enhanced.writeUInt32LE(frame.length, 12);
  enhanced.writeUInt32LE(frame.length, 16);
  const simple = Buffer.alloc(4);
  simple.writeUInt32LE(frame.length);
  return Buffer.concat([
    block(0x0a0d0d0a, section),
    block(1, device),
    block(6, Buffer.concat([enhanced, frame])),
    block(3, Buffer.concat([simple, frame])),
  ]);
}

function assertPlain(datagram: Datagram | undefined): void {
  assert.ok(datagram);
  assert.deepEqual(
    [datagram.source, datagram.sourcePort, datagram.destination, datagram.destinationPort],
    [SOURCE, 1000, DESTINATION, 2055],
  );
  assert.deepEqual(datagram.payload, PAYLOAD);
  assert.deepEqual(
    [datagram.checksum, datagram.headerChecksumIsGood, datagram.fragments],
    ['good', true, 1],
  );
}

for (const [name, endian, magic] of [
  ['little endian, microseconds', 'LE', 0xa1b2c3d4],
  ['big endian, microseconds', 'BE', 0xa1b2c3d4],
  ['little endian, nanoseconds', 'LE', 0xa1b23c4d],
] as const) {
  test(`a pcap file is read: ${name}`, () => {
    const file = pcapFile(1, [ethernet(IPV4), ethernet(IPV4)], endian, magic);
    const datagrams = readAll(new CaptureReader().push(file));
    assert.equal(datagrams.length, 2);
    for (const datagram of datagrams) assertPlain(datagram);
  });
}

test('a pcapng file is read: enhanced and simple packet blocks', () => {
  const datagrams = readAll(new CaptureReader().push(pcapngFile(101, IPV4)));
  assert.equal(datagrams.length, 2);
  for (const datagram of datagrams) assertPlain(datagram);
});

test('a file that comes byte by byte is read like one that comes whole', () => {
  for (const file of [pcapFile(1, [ethernet(IPV4)], 'LE', 0xa1b2c3d4), pcapngFile(101, IPV4)]) {
    const whole = new CaptureReader().push(file).length;
    const reader = new CaptureReader();
    const frames = [...file].flatMap((byte) => reader.push(Buffer.of(byte)));
    assert.equal(frames.length, whole);
    for (const datagram of readAll(frames)) assertPlain(datagram);
  }
});

test('what is no capture file is refused', () => {
  assert.throws(
    () => new CaptureReader().push(Buffer.alloc(24, 1)),
    /no capture file: magic 0x1010101/,
  );
});

for (const [name, linkType, headerBytes] of [
  ['raw', 101, 0],
  ['Linux cooked v1', 113, 16],
  ['Linux cooked v2', 276, 20],
] as const) {
  test(`the link header is passed over: ${name}`, () => {
    const bytes = Buffer.concat([Buffer.alloc(headerBytes), IPV4]);
    assertPlain(readAll([{ linkType, bytes }])[0]);
  });
}

test('IPv6 is read, and its UDP checksum is verified', () => {
  const [datagram] = readAll([{ linkType: 1, bytes: ethernet(IPV6) }]);
  assert.equal(datagram?.source, '2001:db8::1');
  assert.equal(datagram?.destination, '2001:db8::2');
  assert.deepEqual(datagram?.payload, PAYLOAD);
  assert.equal(datagram?.checksum, 'good');
});

test('damage shows in the checksums, and a missing UDP checksum is told', () => {
  const damaged = (at: number, value: number) => {
    const bytes = Buffer.from(IPV4);
    bytes[at] = value;
    return bytes;
  };
  const wrongPayload = readAll([{ linkType: 101, bytes: damaged(30, 0x55) }])[0];
  assert.deepEqual([wrongPayload?.checksum, wrongPayload?.headerChecksumIsGood], ['bad', true]);
  const wrongHopLimit = readAll([{ linkType: 101, bytes: damaged(8, 63) }])[0];
  assert.deepEqual([wrongHopLimit?.checksum, wrongHopLimit?.headerChecksumIsGood], ['good', false]);
  const none = Buffer.from(IPV4);
  none.writeUInt16BE(0, 26);
  assert.equal(readAll([{ linkType: 101, bytes: none }])[0]?.checksum, 'zero');
});

/** The pieces of a datagram of three times 8 bytes (UDP header and 16 of payload). */
function ipv4Fragments(): Buffer[] {
  const udp = Buffer.from('03e8080700180000', 'hex');
  const body = Buffer.concat([udp, Buffer.from('0123456789abcdef')]);
  return [0, 8, 16].map((offset) => {
    const header = Buffer.from(IPV4.subarray(0, 20));
    header.writeUInt16BE(28, 2);
    header.writeUInt16BE((offset / 8) | (offset < 16 ? 0x2000 : 0), 6);
    return Buffer.concat([header, body.subarray(offset, offset + 8)]);
  });
}

test('IPv4 fragments become one datagram, in whatever order they come', () => {
  const [a, b, c] = ipv4Fragments().map((bytes) => ({ linkType: 101, bytes }));
  assert.ok(a && b && c);
  for (const order of [
    [a, b, c],
    [c, b, a],
    [b, c, a],
  ]) {
    const [datagram] = readAll(order);
    assert.deepEqual([datagram?.payload.toString(), datagram?.fragments], ['0123456789abcdef', 3]);
  }
  const reader = new DatagramReader();
  assert.equal(reader.push(a) ?? reader.push(c), undefined);
  assert.equal(reader.incomplete, 1);
});

test('IPv6 fragments behind a destination options header become one datagram', () => {
  const udp = Buffer.concat([Buffer.from('03e8080700100000', 'hex'), Buffer.from('abcdefgh')]);
  const frames = [0, 8].map((offset) => {
    const header = Buffer.from(IPV6.subarray(0, 40));
    header.writeUInt16BE(24, 4);
    header[6] = 60;
    const options = Buffer.from('2c00010400000000', 'hex');
    const fragment = Buffer.from('1100000000000007', 'hex');
    fragment.writeUInt16BE(offset | (offset === 0 ? 1 : 0), 2);
    return {
      linkType: 101,
      bytes: Buffer.concat([header, options, fragment, udp.subarray(offset, offset + 8)]),
    };
  });
  const [datagram] = readAll(frames);
  assert.deepEqual([datagram?.payload.toString(), datagram?.fragments], ['abcdefgh', 2]);
});

test('what is no UDP over IP is passed over: TCP, ARP, and packets that are cut', () => {
  const tcp = Buffer.from(IPV4);
  tcp[9] = 6;
  const frames = [
    tcp,
    Buffer.from('0001080006040001', 'hex'),
    IPV4.subarray(0, 25),
    Buffer.alloc(0),
  ];
  assert.deepEqual(readAll(frames.map((bytes) => ({ linkType: 101, bytes }))), []);
});

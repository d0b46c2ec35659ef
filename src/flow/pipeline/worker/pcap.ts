/** Datagrams as capture files (draft-ietf-opsawg-pcap), for reports: with headers made up from what is known of them. */
import type { Packets } from '../../model/packets.ts';

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const SNAP_LENGTH = 262_144;
/** Bare IP, version by its first half octet. */
const LINKTYPE_RAW = 101;
const UDP = 17;
const UDP_HEADER = 8;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const HOP_LIMIT = 64;
/** What an IP packet can have at most. */
const MAX_PAYLOAD = 65_535 - IPV4_HEADER - UDP_HEADER;

/** What a capture file begins with. */
export function pcapHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(MAGIC_MICROSECONDS, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(SNAP_LENGTH, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  return header;
}

/** One datagram of a batch as a record of a capture file; it was sent to ::1 or 127.0.0.1, which is not known. */
export function pcapRecord(packets: Packets, index: number): Buffer {
  const at = packets.offsets[index] as number;
  const length = Math.min(packets.lengths[index] as number, MAX_PAYLOAD);
  const payload = packets.bytes.subarray(at, at + length);
  const ports = [packets.ports[index] as number, packets.listenPorts[index] as number] as const;
  const packet = ipPacket(packets.sources.subarray(index * 4, index * 4 + 4), ports, payload);
  const ms = packets.receivedMs[index] as number;
  const seconds = Math.floor(ms / 1000);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(seconds >>> 0, 0);
  header.writeUInt32LE(Math.floor((ms - seconds * 1000) * 1000), 4);
  header.writeUInt32LE(packet.length, 8);
  header.writeUInt32LE(packet.length, 12);
  return Buffer.concat([header, packet]);
}

function ipPacket(
  source: Uint32Array,
  ports: readonly [number, number],
  payload: Uint8Array,
): Buffer {
  const udp = Buffer.alloc(UDP_HEADER);
  udp.writeUInt16BE(ports[0], 0);
  udp.writeUInt16BE(ports[1], 2);
  udp.writeUInt16BE(UDP_HEADER + payload.length, 4);
  const isIpv4 = source[0] === 0 && source[1] === 0 && source[2] === 0xffff;
  const bytes = UDP_HEADER + payload.length;
  const header = isIpv4 ? ipv4Header(source, bytes) : ipv6Header(source, bytes);
  return Buffer.concat([header, udp, payload]);
}

function ipv4Header(source: Uint32Array, bytes: number): Buffer {
  const header = Buffer.alloc(IPV4_HEADER);
  header[0] = 0x45;
  header.writeUInt16BE(IPV4_HEADER + bytes, 2);
  header[8] = HOP_LIMIT;
  header[9] = UDP;
  header.writeUInt32BE(source[3] as number, 12);
  header.writeUInt32BE(0x7f000001, 16);
  return header;
}

function ipv6Header(source: Uint32Array, bytes: number): Buffer {
  const header = Buffer.alloc(IPV6_HEADER);
  header[0] = 0x60;
  header.writeUInt16BE(bytes, 4);
  header[6] = UDP;
  header[7] = HOP_LIMIT;
  for (let i = 0; i < 4; i++) header.writeUInt32BE(source[i] as number, 8 + i * 4);
  header[39] = 1;
  return header;
}

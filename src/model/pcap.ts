/** Capture files (draft-ietf-opsawg-pcap) of IP packets without a link layer: LINKTYPE_RAW. */
import type { Octets } from './address.ts';

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const LINKTYPE_RAW = 101;
const SNAP_LENGTH = 262_144;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
const UDP = 17;
/** What a packet had left when it arrived is not told. */
const HOP_LIMIT = 64;

/** A UDP datagram, of which the headers are made anew. Addresses of one length. */
export interface PcapDatagram {
  readonly source: Octets;
  readonly sourcePort: number;
  readonly destination: Octets;
  readonly destinationPort: number;
  /** Microseconds of the Unix epoch. */
  readonly receivedUs: number;
  readonly payload: Uint8Array;
  /** There was more of it: how much is not known. */
  readonly isTruncated: boolean;
}

export function pcapFileHeader(): Uint8Array {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  header.writeUInt32LE(MAGIC_MICROSECONDS, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(SNAP_LENGTH, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  return header;
}

/** One record of the file: an IP packet with its own headers and checksums. */
export function pcapRecord(datagram: PcapDatagram): Uint8Array {
  const ip = datagram.source.length === 4 ? ipv4Header(datagram) : ipv6Header(datagram);
  const udp = udpHeader(datagram);
  const { payload, receivedUs, isTruncated } = datagram;
  const length = ip.length + udp.length + payload.length;
  const record = Buffer.alloc(RECORD_HEADER_BYTES);
  record.writeUInt32LE(Math.floor(receivedUs / 1e6), 0);
  record.writeUInt32LE(receivedUs % 1e6, 4);
  record.writeUInt32LE(length, 8);
  // Readers show a packet that was longer than what is there as cut.
  record.writeUInt32LE(isTruncated ? length + 1 : length, 12);
  return Buffer.concat([record, ip, udp, payload]);
}

/** RFC 791, section 3.1. */
function ipv4Header({ source, destination, payload }: PcapDatagram): Buffer {
  const header = Buffer.alloc(IPV4_BYTES);
  header[0] = 0x45;
  header.writeUInt16BE(IPV4_BYTES + UDP_BYTES + payload.length, 2);
  header[8] = HOP_LIMIT;
  header[9] = UDP;
  header.set(source, 12);
  header.set(destination, 16);
  header.writeUInt16BE(checksum([header]), 10);
  return header;
}

/** RFC 8200, section 3. */
function ipv6Header({ source, destination, payload }: PcapDatagram): Buffer {
  const header = Buffer.alloc(IPV6_BYTES);
  header[0] = 0x60;
  header.writeUInt16BE(UDP_BYTES + payload.length, 4);
  header[6] = UDP;
  header[7] = HOP_LIMIT;
  header.set(source, 8);
  header.set(destination, 24);
  return header;
}

/** RFC 768; its checksum is over the pseudo header too (RFC 8200, section 8.1). */
function udpHeader(datagram: PcapDatagram): Buffer {
  const { source, sourcePort, destination, destinationPort, payload } = datagram;
  const length = UDP_BYTES + payload.length;
  const header = Buffer.alloc(UDP_BYTES);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt16BE(length, 4);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(length, 0);
  pseudo[7] = UDP;
  const sum = checksum([source, destination, pseudo, header, payload]);
  header.writeUInt16BE(sum === 0 ? 0xffff : sum, 6);
  return header;
}

/** The Internet checksum (RFC 1071) of parts that, but for the last, are of even length. */
function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

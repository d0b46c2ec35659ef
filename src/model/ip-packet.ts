/** IP packets with a UDP datagram, as a host would send them. */
import type { Octets } from './address.ts';

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
const UDP = 17;
const HOP_LIMIT = 64;

/** Of Ethernet frames (IEEE 802 numbers), by the version of IP. */
export const ETHER_TYPE = { 4: 0x0800, 6: 0x86dd } as const;

/** Addresses of one length. */
export interface UdpDatagram {
  readonly source: Octets;
  readonly sourcePort: number;
  readonly destination: Octets;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** From the IP header on, with its checksums. */
export function udpPacket(datagram: UdpDatagram): Uint8Array {
  const ip = datagram.source.length === 4 ? ipv4Header(datagram) : ipv6Header(datagram);
  return Buffer.concat([ip, udpHeader(datagram), datagram.payload]);
}

/** RFC 791, section 3.1. */
function ipv4Header({ source, destination, payload }: UdpDatagram): Buffer {
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
function ipv6Header({ source, destination, payload }: UdpDatagram): Buffer {
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
function udpHeader(datagram: UdpDatagram): Buffer {
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

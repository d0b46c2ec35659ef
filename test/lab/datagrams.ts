/**
 * From frames to UDP datagrams: link headers, IPv4 and IPv6, reassembly of fragments, and the checksums as
 * they were on the wire. It is written for clarity and shares no code with the proxy, so that it can judge
 * what the proxy sends.
 */
import type { Frame } from './pcap.ts';
import { textOfAddress } from './wire.ts';

/** What a checksum was like on the wire. `zero` is UDP's "none". */
export type ChecksumState = 'good' | 'bad' | 'zero';

/** One UDP datagram as it arrived, put together from its fragments. */
export interface Datagram {
  /** As it stands in the IP header, in the spelling of RFC 5952. */
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly payload: Buffer;
  readonly family: 4 | 6;
  /** Packets it came in; 1 = it was not fragmented. */
  readonly fragments: number;
  /** TTL or hop limit. */
  readonly hopLimit: number;
  /** The code point of differentiated services. */
  readonly dscp: number;
  /** DF of IPv4; always false for IPv6. */
  readonly doNotFragment: boolean;
  /** Every IPv4 header checksum was right; true for IPv6, which has none. */
  readonly headerChecksumIsGood: boolean;
  readonly checksum: ChecksumState;
  /** The UDP checksum as it stands in the header. */
  readonly checksumField: number;
  /** Bytes of the largest IP packet it came in. */
  readonly largestPacketBytes: number;
}

/** What an IP header says about the piece of a datagram that follows it. */
interface Packet {
  readonly family: 4 | 6;
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly protocol: number;
  readonly hopLimit: number;
  readonly dscp: number;
  readonly doNotFragment: boolean;
  readonly headerChecksumIsGood: boolean;
  readonly body: Buffer;
  readonly packetBytes: number;
  readonly fragment:
    | { readonly id: number; readonly offset: number; readonly more: boolean }
    | undefined;
}

const UDP = 17;
const UDP_HEADER_BYTES = 8;
const IPV6_HEADER_BYTES = 40;
const FRAGMENT_HEADER = 44;
/** Hop-by-hop, routing and destination options: extension headers with a length in units of 8. */
const SKIPPED_HEADERS: ReadonlySet<number> = new Set([0, 43, 60]);

/** Bytes before the IP header, by LINKTYPE: Ethernet, raw, cooked v1 and v2, raw IPv4 and IPv6. */
const LINK_HEADER_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 14],
  [101, 0],
  [113, 16],
  [228, 0],
  [229, 0],
  [276, 20],
]);

/** Collects UDP datagrams out of frames. What is no UDP over IP is passed over. */
export class DatagramReader {
  readonly #fragments = new Map<string, Packet[]>();

  /** The datagram that this frame completes, if any. */
  push(frame: Frame): Datagram | undefined {
    const headerBytes = LINK_HEADER_BYTES.get(frame.linkType);
    if (headerBytes === undefined) throw new Error(`link type ${frame.linkType} is not known`);
    const packet = readPacket(frame.bytes.subarray(headerBytes));
    if (packet === undefined || packet.protocol !== UDP) return undefined;
    return packet.fragment === undefined
      ? toDatagram([packet], packet.body)
      : this.#collect(packet);
  }

  /** Datagrams of which only some fragments have come. */
  get incomplete(): number {
    return this.#fragments.size;
  }

  #collect(packet: Packet): Datagram | undefined {
    const key = `${packet.source.toString('hex')} ${packet.destination.toString('hex')} ${packet.fragment?.id}`;
    const pieces = this.#fragments.get(key) ?? [];
    pieces.push(packet);
    this.#fragments.set(key, pieces);
    const body = joinPieces(pieces);
    if (body === undefined) return undefined;
    this.#fragments.delete(key);
    return toDatagram(pieces, body);
  }
}

/** The whole of a fragmented datagram; undefined while a piece is missing. */
function joinPieces(pieces: readonly Packet[]): Buffer | undefined {
  const sorted = pieces.toSorted((a, b) => (a.fragment?.offset ?? 0) - (b.fragment?.offset ?? 0));
  let end = 0;
  for (const { fragment, body } of sorted) {
    if (fragment?.offset !== end) return undefined;
    end += body.length;
  }
  return sorted.at(-1)?.fragment?.more ? undefined : Buffer.concat(sorted.map(({ body }) => body));
}

function readPacket(bytes: Buffer): Packet | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4 && bytes.length >= 20) return readIpv4(bytes);
  if (version === 6 && bytes.length >= IPV6_HEADER_BYTES) return readIpv6(bytes);
  return undefined;
}

/** RFC 791 section 3.1. */
function readIpv4(bytes: Buffer): Packet | undefined {
  const headerBytes = ((bytes[0] ?? 0) & 0x0f) * 4;
  const packetBytes = bytes.readUInt16BE(2);
  if (headerBytes < 20 || packetBytes < headerBytes || bytes.length < packetBytes) return undefined;
  const flags = bytes.readUInt16BE(6);
  const offset = (flags & 0x1fff) * 8;
  const more = (flags & 0x2000) !== 0;
  return {
    family: 4,
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    protocol: bytes.readUInt8(9),
    hopLimit: bytes.readUInt8(8),
    dscp: bytes.readUInt8(1) >> 2,
    doNotFragment: (flags & 0x4000) !== 0,
    headerChecksumIsGood: foldedSum(bytes.subarray(0, headerBytes), 0) === 0xffff,
    body: bytes.subarray(headerBytes, packetBytes),
    packetBytes,
    fragment: offset > 0 || more ? { id: bytes.readUInt16BE(4), offset, more } : undefined,
  };
}

/** RFC 8200 sections 3 and 4.5. */
function readIpv6(bytes: Buffer): Packet | undefined {
  const packetBytes = IPV6_HEADER_BYTES + bytes.readUInt16BE(4);
  if (bytes.length < packetBytes) return undefined;
  let next = bytes.readUInt8(6);
  let at = IPV6_HEADER_BYTES;
  let fragment: Packet['fragment'];
  while ((SKIPPED_HEADERS.has(next) || next === FRAGMENT_HEADER) && at + 8 <= packetBytes) {
    if (next === FRAGMENT_HEADER) {
      const field = bytes.readUInt16BE(at + 2);
      fragment = {
        id: bytes.readUInt32BE(at + 4),
        offset: field & 0xfff8,
        more: (field & 1) === 1,
      };
    }
    const headerBytes = next === FRAGMENT_HEADER ? 8 : (bytes.readUInt8(at + 1) + 1) * 8;
    next = bytes.readUInt8(at);
    at += headerBytes;
  }
  return {
    family: 6,
    source: bytes.subarray(8, 24),
    destination: bytes.subarray(24, 40),
    protocol: next,
    hopLimit: bytes.readUInt8(7),
    dscp: (bytes.readUInt16BE(0) >> 6) & 0x3f,
    doNotFragment: false,
    headerChecksumIsGood: true,
    body: bytes.subarray(at, packetBytes),
    packetBytes,
    fragment,
  };
}

function toDatagram(packets: readonly Packet[], body: Buffer): Datagram | undefined {
  const [first] = packets;
  if (first === undefined || body.length < UDP_HEADER_BYTES) return undefined;
  const length = body.readUInt16BE(4);
  if (length < UDP_HEADER_BYTES || length > body.length) return undefined;
  return {
    source: textOfAddress(first.source),
    sourcePort: body.readUInt16BE(0),
    destination: textOfAddress(first.destination),
    destinationPort: body.readUInt16BE(2),
    payload: body.subarray(UDP_HEADER_BYTES, length),
    family: first.family,
    fragments: packets.length,
    hopLimit: first.hopLimit,
    dscp: first.dscp,
    doNotFragment: packets.some((packet) => packet.doNotFragment),
    headerChecksumIsGood: packets.every((packet) => packet.headerChecksumIsGood),
    checksum: checksumState(first, body.subarray(0, length)),
    checksumField: body.readUInt16BE(6),
    largestPacketBytes: Math.max(...packets.map((packet) => packet.packetBytes)),
  };
}

/** RFC 768; the pseudo header of IPv6 (RFC 8200 section 8.1) gives the same sum below 65,536 bytes. */
function checksumState(packet: Packet, udp: Buffer): ChecksumState {
  if (udp.readUInt16BE(6) === 0) return 'zero';
  const addresses = Buffer.concat([packet.source, packet.destination]);
  const pseudoHeader = foldedSum(addresses, UDP + udp.length);
  return foldedSum(udp, pseudoHeader) === 0xffff ? 'good' : 'bad';
}

/** The one's complement sum of RFC 1071, in network order. */
function foldedSum(bytes: Buffer, start: number): number {
  let sum = start;
  const even = bytes.length & ~1;
  for (let at = 0; at < even; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (even < bytes.length) sum += (bytes[even] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

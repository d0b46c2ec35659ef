/** Capture files (draft-ietf-opsawg-pcap) of IP packets without a link layer: LINKTYPE_RAW. */
import { type UdpDatagram, udpPacket } from './ip-packet.ts';

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const LINKTYPE_RAW = 101;
const SNAP_LENGTH = 262_144;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** A UDP datagram, of which the headers are made anew: what was left of its hop limit is not told. */
export interface PcapDatagram extends UdpDatagram {
  /** Microseconds of the Unix epoch. */
  readonly receivedUs: number;
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
  const { receivedUs, isTruncated } = datagram;
  const packet = udpPacket(datagram);
  const { length } = packet;
  const record = Buffer.alloc(RECORD_HEADER_BYTES);
  record.writeUInt32LE(Math.floor(receivedUs / 1e6), 0);
  record.writeUInt32LE(receivedUs % 1e6, 4);
  record.writeUInt32LE(length, 8);
  // Readers show a packet that was longer than what is there as cut.
  record.writeUInt32LE(isTruncated ? length + 1 : length, 12);
  return Buffer.concat([record, packet]);
}

/**
 * How a batch is on disk: a header of 40 octets, little-endian, then the ends of its messages, the lengths of its keys,
 * the keys, the messages. Both parts have checksums; the one word that is changed later is in neither.
 */
import { crc32 } from 'node:zlib';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { FlowProtocol } from '../model/packets.ts';

export const HEADER_OCTETS = 40;
/** Where in the header it stands whether the batch is done with. */
export const DONE_OFFSET = 36;
export const DONE = 0x454e4f44;

const MAGIC = 0x31535846;
const NO_KEYS = 0xffff_ffff;
const LONGEST_KEY = 0xffff;
const PROTOCOLS: readonly (FlowProtocol | undefined)[] = [
  undefined,
  'netflow5',
  'netflow9',
  'ipfix',
  'sflow',
];

const FRAMINGS: readonly EncodedBatch['framing'][] = [undefined, 'lines', 'varint', 'none'];
/** The framing is in the word of the protocol, above so many bits. */
const FRAMING_SHIFT = 8;

export interface FrameHeader {
  /** Octets behind the header. */
  readonly length: number;
  readonly checksum: number;
  readonly records: number;
  readonly messages: number;
  readonly keyOctets: number;
  readonly protocol: FlowProtocol | undefined;
  readonly framing: EncodedBatch['framing'];
  readonly done: boolean;
}

/** A batch as parts to be written one behind the other. */
export function frameOf(batch: EncodedBatch): Buffer[] {
  const { bytes, ends, keys, records, protocol, framing } = batch;
  const keyParts = keys === undefined ? [] : keyPartsOf(keys);
  const endsPart = Buffer.alloc(ends.length * 4);
  for (const [i, end] of ends.entries()) endsPart.writeUInt32LE(end, i * 4);
  const body = [endsPart, ...keyParts, bytes];
  const header = Buffer.alloc(HEADER_OCTETS);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(
    body.reduce((sum, { length }) => sum + length, 0),
    4,
  );
  header.writeUInt32LE(
    body.reduce((sum, part) => crc32(part, sum), 0),
    8,
  );
  header.writeUInt32LE(records, 12);
  header.writeUInt32LE(ends.length, 16);
  header.writeUInt32LE(keys === undefined ? NO_KEYS : (keyParts[1]?.length ?? 0), 20);
  const kind = PROTOCOLS.indexOf(protocol) | (FRAMINGS.indexOf(framing) << FRAMING_SHIFT);
  header.writeUInt32LE(kind, 24);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  return [header, ...body];
}

/** @returns undefined when it is none: cut off, or overwritten */
export function readHeader(header: Buffer): FrameHeader | undefined {
  if (header.length < HEADER_OCTETS || header.readUInt32LE(0) !== MAGIC) return undefined;
  if (header.readUInt32LE(28) !== crc32(header.subarray(0, 28))) return undefined;
  const kind = header.readUInt32LE(24);
  return {
    length: header.readUInt32LE(4),
    checksum: header.readUInt32LE(8),
    records: header.readUInt32LE(12),
    messages: header.readUInt32LE(16),
    keyOctets: header.readUInt32LE(20),
    protocol: PROTOCOLS[kind & ((1 << FRAMING_SHIFT) - 1)],
    framing: FRAMINGS[kind >>> FRAMING_SHIFT],
    done: header.readUInt32LE(DONE_OFFSET) === DONE,
  };
}

/** @returns undefined when the octets are not those that were written */
export function readBatch(header: FrameHeader, body: Buffer): EncodedBatch | undefined {
  if (body.length !== header.length || crc32(body) !== header.checksum) return undefined;
  const { messages, keyOctets, records, protocol, framing } = header;
  const ends = Uint32Array.from({ length: messages }, (_, i) => body.readUInt32LE(i * 4));
  let at = messages * 4;
  let keys: Buffer[] | undefined;
  if (keyOctets !== NO_KEYS) {
    let begin = at + messages * 2;
    keys = Array.from({ length: messages }, (_, i) => {
      const length = body.readUInt16LE(at + i * 2);
      begin += length;
      return body.subarray(begin - length, begin);
    });
    at += messages * 2 + keyOctets;
  }
  return {
    bytes: body.subarray(at),
    ends,
    records,
    ...(keys && { keys }),
    ...(protocol && { protocol }),
    ...(framing && { framing }),
  };
}

/** Lengths, and the keys. */
function keyPartsOf(keys: readonly Buffer[]): [Buffer, Buffer] {
  const lengths = Buffer.alloc(keys.length * 2);
  const short = keys.map((key) => key.subarray(0, LONGEST_KEY));
  for (const [i, key] of short.entries()) lengths.writeUInt16LE(key.length, i * 2);
  return [lengths, Buffer.concat(short)];
}

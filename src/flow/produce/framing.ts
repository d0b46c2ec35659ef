import { z } from 'zod';
import type { EncodedBatch } from '../model/encoded-batch.ts';

const NEWLINE = 10;
/** Octets of the largest varint of a 32-bit length. */
const VARINT_OCTETS = 5;

const FRAMINGS = ['lines', 'varint', 'none'] as const;
type Framing = (typeof FRAMINGS)[number];

/** How messages are told from each other in a stream. */
export const framingOption = z
  .enum(FRAMINGS)
  .optional()
  .meta({
    description:
      '`lines`: a newline behind each message; `varint`: its length before it, as protobuf readers want it; `none`; ' +
      'absent: what the format wants (protobuf with lengths: `none`; bare: `varint`; all others: `lines`)',
  });

/**
 * All messages of a batch as one stretch of a stream. A message that ends in a newline gets no other.
 *
 * @param given absent: as the format wants it
 */
export function framed(batch: EncodedBatch, given: Framing | undefined): Buffer {
  const framing = given ?? batch.framing ?? 'lines';
  if (framing === 'none') return batch.bytes;
  const { bytes, ends } = batch;
  const stream = Buffer.allocUnsafe(bytes.length + ends.length * VARINT_OCTETS);
  let at = 0;
  let begin = 0;
  for (const end of ends) {
    if (framing === 'varint') at = writeVarint(stream, at, end - begin);
    bytes.copy(stream, at, begin, end);
    at += end - begin;
    if (framing === 'lines' && (end === begin || bytes[end - 1] !== NEWLINE))
      stream[at++] = NEWLINE;
    begin = end;
  }
  return stream.subarray(0, at);
}

function writeVarint(to: Buffer, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest > 0x7f) {
    to[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  to[next++] = rest;
  return next;
}

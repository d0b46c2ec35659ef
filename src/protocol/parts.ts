/**
 * Takes large requests apart, so that decoding them does not stop the process for seconds and cannot
 * fill its memory: a few bytes of protobuf can become an object of a hundred.
 */
import { FloxyError } from '../base/errors.ts';
import { checkHeapRoom } from '../base/heap-room.ts';

/** Size at which a part is complete: a few milliseconds of decoding. */
const PART_BYTES = 64 * 1024;

/** Largest field: 32 outputs of 64 collectors, with room to spare, need a fifth of it. */
const MAX_FIELD_BYTES = 1024 * 1024;

/** How fields end that are not counted in bytes: protobuf.dev/programming-guides/encoding, "Message structure". */
const WIRE_TYPE = { VARINT: 0, FIXED_64: 1, LENGTH_DELIMITED: 2, FIXED_32: 5 } as const;

/** Bytes of the longest varint: 64 bits in groups of 7. */
const MAX_VARINT_BYTES = 10;

/**
 * Splits the encoding of a message between its fields into parts of about 64 KiB. Decoded and
 * concatenated, the repeated fields of the parts are those of the message. Every large request of the API
 * consists of repeated messages; numbers in it are of a later version, and nobody here reads them.
 *
 * @throws FloxyError INVALID_INPUT for bytes that are no such message, LIMIT_EXCEEDED for a huge field
 */
export function* splitMessage(bytes: Buffer): Generator<Buffer> {
  if (bytes.length === 0) yield bytes;
  let start = 0;
  let end = 0;
  while (end < bytes.length) {
    end = endOfField(bytes, end);
    if (end - start >= PART_BYTES || end === bytes.length) {
      yield bytes.subarray(start, end);
      start = end;
    }
  }
}

/** Puts decoded parts together again and keeps count of what is in them. */
export class PartCollector {
  readonly #lists = new Map<string, unknown[]>();
  readonly #maxItems: number;
  #items = 0;

  /** @param maxItems members of all lists together, at every depth */
  constructor(maxItems: number) {
    this.#maxItems = maxItems;
  }

  /** @throws FloxyError LIMIT_EXCEEDED when there are more items than may be, or than there is memory for */
  add(part: object): void {
    checkHeapRoom();
    this.#items += countItems(part);
    if (this.#items > this.#maxItems) {
      throw new FloxyError(
        'LIMIT_EXCEEDED',
        `the request has more than ${this.#maxItems} members in all its lists together`,
      );
    }
    for (const [name, value] of Object.entries(part)) {
      if (Array.isArray(value)) this.#append(name, value);
    }
  }

  message(): object {
    return Object.fromEntries(this.#lists);
  }

  #append(name: string, items: readonly unknown[]): void {
    const list = this.#lists.get(name);
    if (list === undefined) this.#lists.set(name, [...items]);
    else for (const item of items) list.push(item);
  }
}

/** How many items all lists in a message have, at every depth. */
function countItems(message: object): number {
  let count = 0;
  for (const value of Object.values(message)) {
    if (!Array.isArray(value)) continue;
    count += value.length;
    for (const item of value) if (typeof item === 'object') count += countItems(item);
  }
  return count;
}

function endOfField(bytes: Buffer, start: number): number {
  const tag = readVarint(bytes, start);
  // Field numbers begin at 1; decoders differ in what they do with 0.
  if (tag.value < 8) throw malformed(start);
  const end = endOfValue(bytes, tag.end, tag.value & 7);
  if (end === undefined || end > bytes.length) throw malformed(start);
  return end;
}

/** @returns undefined where no value ends */
function endOfValue(bytes: Buffer, start: number, wireType: number): number | undefined {
  switch (wireType) {
    case WIRE_TYPE.VARINT:
      return endOfVarint(bytes, start);
    case WIRE_TYPE.FIXED_64:
      return start + 8;
    case WIRE_TYPE.FIXED_32:
      return start + 4;
    case WIRE_TYPE.LENGTH_DELIMITED:
      return endOfBytes(bytes, start);
    default:
      return undefined;
  }
}

function endOfVarint(bytes: Buffer, start: number): number | undefined {
  const length = bytes.subarray(start, start + MAX_VARINT_BYTES).findIndex((byte) => byte < 0x80);
  return length < 0 ? undefined : start + length + 1;
}

function endOfBytes(bytes: Buffer, start: number): number {
  const length = readVarint(bytes, start);
  const end = length.end + length.value;
  if (end <= bytes.length && length.value > MAX_FIELD_BYTES) {
    throw new FloxyError(
      'LIMIT_EXCEEDED',
      `one rule or output of the request takes ${length.value} bytes, more than ${MAX_FIELD_BYTES}`,
    );
  }
  return end;
}

/** Reads up to 32 bits, little-endian base 128 (protobuf's encoding of numbers). */
function readVarint(bytes: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  throw malformed(start);
}

function malformed(offset: number): FloxyError {
  return new FloxyError('INVALID_INPUT', `the request is no valid message (at byte ${offset})`);
}

/** Protobuf text from the encoding of a message, bytes to bytes: most of what is printed is only passed on. */
import { isUtf8 } from 'node:buffer';
import type { DescMessage } from '@bufbuild/protobuf';
import { DELIMITED, VARINT, WireReader } from './wire-reader.ts';
import { type Field, type Shape, shapeOf, Unusual } from './wire-shape.ts';

const INDENT = 4;
/** Deeper ones are left to the library. */
const MAX_DEPTH = 32;
/** Instead of a depth: all members on one line. */
const INLINE = -1;
/** For all of a member but its name and its text: indent, brackets, line feed, digits. */
const ROOM = MAX_DEPTH * INDENT + 64;
const FIRST_SIZE = 64 * 1024;

const SPACE = 0x20;
const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const ZERO = 0x30;
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** Of a member. */
interface Place {
  readonly depth: number;
  /** Where the text of the first member begins. */
  readonly start: number;
}

/** Prints messages exactly as printText() does. */
export class WireText {
  readonly #omitted: ReadonlySet<string>;
  /** Used again and again. */
  #out = Buffer.allocUnsafe(FIRST_SIZE);
  #end = 0;

  /** @param omitted names of fields that are not printed */
  constructor(omitted: ReadonlySet<string>) {
    this.#omitted = omitted;
  }

  /** @throws Unusual when the message has what is left to the library */
  print(schema: DescMessage, bytes: Uint8Array): Buffer {
    this.#end = 0;
    const reader = new WireReader(bytes);
    this.#members(reader, shapeOf(schema), reader.bytes.length, 0);
    return Buffer.from(this.#out.subarray(0, this.#end));
  }

  /** @param depth INLINE, or that of their lines */
  #members(reader: WireReader, shape: Shape, end: number, depth: number): void {
    const start = this.#end;
    while (reader.at < end) {
      const tag = reader.tag();
      const field = shape[tag >>> 3];
      if (field === undefined) throw new Unusual();
      if (depth === 0 && this.#omitted.has(field.name)) reader.skip(tag & 7);
      else this.#values(reader, field, tag & 7, { depth, start });
    }
  }

  /** Of a tag: several when they are numbers of a list, which are commonly packed. */
  #values(reader: WireReader, field: Field, wireType: number, place: Place): void {
    const { depth, start } = place;
    const isPacked = field.isPackable && wireType === DELIMITED;
    const last = isPacked ? reader.length(DELIMITED) + reader.at : reader.at + 1;
    while (reader.at < last) {
      this.#begin(field, depth, this.#end === start);
      this.#value(reader, field, isPacked ? VARINT : wireType, depth);
      if (depth !== INLINE) this.#byte(LINE_FEED);
    }
  }

  #begin({ prefix }: Field, depth: number, isFirst: boolean): void {
    this.#reserve(ROOM + prefix.length);
    if (depth !== INLINE) this.#indent(depth);
    else if (!isFirst) this.#byte(SPACE);
    this.#bytes(prefix);
  }

  #value(reader: WireReader, field: Field, wireType: number, depth: number): void {
    if (field.message !== undefined) {
      this.#message(reader, shapeOf(field.message), reader.length(wireType), depth);
    } else if (field.kind === 'string') {
      this.#string(reader, reader.length(wireType));
    } else {
      if (wireType !== VARINT) throw new Unusual();
      this.#scalar(field, reader.varint());
    }
  }

  #message(reader: WireReader, shape: Shape, length: number, depth: number): void {
    const end = reader.at + length;
    this.#byte(OPEN);
    if (hasMessage(reader, shape, end)) {
      if (depth >= MAX_DEPTH) throw new Unusual();
      this.#byte(LINE_FEED);
      this.#members(reader, shape, end, depth + 1);
      this.#reserve(ROOM);
      this.#indent(depth);
    } else {
      this.#members(reader, shape, end, INLINE);
    }
    this.#byte(CLOSE);
  }

  #string(reader: WireReader, length: number): void {
    this.#reserve(2 * length + ROOM);
    const { bytes, at } = reader;
    const end = at + length;
    const out = this.#out;
    let to = this.#end;
    out[to++] = QUOTE;
    let isAscii = true;
    for (let from = at; from < end; from++) {
      const byte = bytes[from] as number;
      if (byte < SPACE || byte === DELETE) throw new Unusual();
      if (byte > DELETE) isAscii = false;
      if (byte === QUOTE || byte === BACKSLASH) out[to++] = BACKSLASH;
      out[to++] = byte;
    }
    if (!isAscii && !isPrintable(bytes.subarray(at, end))) throw new Unusual();
    out[to++] = QUOTE;
    this.#end = to;
    reader.at = end;
  }

  #scalar({ kind, names }: Field, value: number | bigint): void {
    switch (kind) {
      case 'number':
      case 'long':
        if (typeof value === 'number') this.#number(value);
        else this.#bytes(Buffer.from(String(value)));
        return;
      case 'bool':
        this.#bytes(value === 0 ? FALSE : TRUE);
        return;
      case 'enum': {
        const name = names.get(Number(value));
        if (name === undefined) throw new Unusual();
        this.#bytes(name);
        return;
      }
      default:
        // The library knows how many digits the others have.
        throw new Unusual();
    }
  }

  /** Its decimal digits. */
  #number(value: number): void {
    let digits = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    const end = this.#end + digits;
    let rest = value;
    for (let to = end - 1; to >= this.#end; to--) {
      const quotient = Math.floor(rest / 10);
      this.#out[to] = ZERO + (rest - quotient * 10);
      rest = quotient;
    }
    this.#end = end;
  }

  #indent(depth: number): void {
    // Faster than fill() for so few.
    for (let left = depth * INDENT; left > 0; left--) this.#byte(SPACE);
  }

  #byte(byte: number): void {
    this.#out[this.#end++] = byte;
  }

  #bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.#byte(byte);
  }

  #reserve(room: number): void {
    if (this.#end + room <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(2 * this.#out.length + room);
    this.#out.copy(larger, 0, 0, this.#end);
    this.#out = larger;
  }
}

/** Whether a message has one among its members. The reader stays where it is. */
function hasMessage(reader: WireReader, shape: Shape, end: number): boolean {
  const start = reader.at;
  let found = false;
  while (!found && reader.at < end) {
    const tag = reader.tag();
    found = shape[tag >>> 3]?.kind === 'message';
    reader.skip(tag & 7);
  }
  reader.at = start;
  return found;
}

/** Text of which nothing is written as an escape: of other alphabets only U+0080 to U+009F are. */
function isPrintable(text: Buffer): boolean {
  if (!isUtf8(text)) return false;
  return !text.some((byte, i) => byte === 0xc2 && (text[i + 1] ?? 0) < 0xa0);
}

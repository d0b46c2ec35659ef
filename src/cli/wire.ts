/**
 * Messages from their encoding to text or plain values, without objects of the library in between: lists of 100,000
 * rules are printed so. What is rare in them is left to the library.
 */
import {
  type DescField,
  type DescMessage,
  fromBinary,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf';
import { printText } from './text-format.ts';

const INDENT = '    ';

/** How the value of a field is written in both forms. */
type Kind = 'message' | 'string' | 'number' | 'long' | 'double' | 'bool' | 'enum' | 'other';

interface Field {
  readonly name: string;
  readonly jsonName: string;
  readonly kind: Kind;
  readonly isList: boolean;
  readonly message: DescMessage | undefined;
  readonly names: ReadonlyMap<number, string>;
}

/** Fields by number. */
type Shape = readonly (Field | undefined)[];

/** Texts that are remembered. */
const MAX_KNOWN = 4096;

/** Text that is the same in quotes. */
const PLAIN = /^[ !#-&(-[\]-~]*$/;

const ASCII = /^[\0-\x7f]*$/;

/** Something that this module does not know how to print. */
class Unusual extends Error {}

/** Prints messages of a type as protobuf text, exactly as printText() does. */
export class WirePrinter {
  readonly #schema: DescMessage;
  readonly #omitted: ReadonlySet<string>;
  readonly #known = new Map<string, string>();

  /** @param omitted names of fields that are not printed */
  constructor(schema: DescMessage, omitted: readonly string[] = []) {
    this.#schema = schema;
    this.#omitted = new Set(omitted);
  }

  text(bytes: Uint8Array): string {
    try {
      const lines = new WireReader(bytes, this.#known).lines(this.#schema, bytes.length, 0);
      const printed = lines.filter((line) => !this.#omitted.has(line.slice(0, line.indexOf(':'))));
      return printed.map((line) => `${line}\n`).join('');
    } catch (error) {
      if (!(error instanceof Unusual)) throw error;
      const message = fromBinary(this.#schema, bytes) as Record<string, unknown> &
        ReturnType<typeof fromBinary>;
      for (const name of this.#omitted) delete message[name];
      return printText(this.#schema, message);
    }
  }

  /** As toJson() has it. */
  json(bytes: Uint8Array): Readonly<Record<string, unknown>> {
    const value = this.#json(bytes);
    for (const name of this.#omitted) delete value[name];
    return value;
  }

  #json(bytes: Uint8Array): Record<string, unknown> {
    try {
      return new WireReader(bytes).value(this.#schema, bytes.length);
    } catch (error) {
      if (!(error instanceof Unusual)) throw error;
      return toJson(this.#schema, fromBinary(this.#schema, bytes)) as Record<string, unknown>;
    }
  }
}

class WireReader {
  readonly #bytes: Buffer;
  readonly #known: Map<string, string>;
  #at = 0;

  /** @param known texts of messages that were printed before, by their encoding */
  constructor(bytes: Uint8Array, known: Map<string, string> = new Map()) {
    this.#known = known;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The fields of a message up to `end`, each with its name. */
  lines(schema: DescMessage, end: number, depth: number): string[] {
    const shape = shapeOf(schema);
    const lines: string[] = [];
    while (this.#at < end) {
      const { field, wireType } = this.#tag(shape);
      lines.push(`${field.name}: ${this.#text(field, wireType, depth)}`);
    }
    return lines;
  }

  value(schema: DescMessage, end: number): Record<string, unknown> {
    const shape = shapeOf(schema);
    const value: Record<string, unknown> = {};
    while (this.#at < end) {
      const { field, wireType } = this.#tag(shape);
      const found = this.#value(field, wireType);
      if (!field.isList) value[field.jsonName] = found;
      else {
        const list = value[field.jsonName] as unknown[] | undefined;
        if (list === undefined) value[field.jsonName] = [found];
        else list.push(found);
      }
    }
    return value;
  }

  #text(field: Field, wireType: number, depth: number): string {
    const { kind, message } = field;
    if (kind !== 'message' || message === undefined) {
      const value = this.#value(field, wireType);
      // The library knows how many digits they have.
      if (kind === 'double') throw new Unusual();
      if (kind !== 'string') return String(value);
      if (!PLAIN.test(String(value))) throw new Unusual();
      return `"${value}"`;
    }
    const length = this.#length(wireType);
    // Members of rules: commonly the same ones again and again.
    if (!field.isList || depth === 0) return this.#messageText(message, length, depth);
    const key = `${depth}${message.typeName}${this.#bytes.toString('latin1', this.#at, this.#at + length)}`;
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#at += length;
      return known;
    }
    const text = this.#messageText(message, length, depth);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(key, text);
    return text;
  }

  #messageText(message: DescMessage, length: number, depth: number): string {
    const lines = this.lines(message, this.#at + length, depth + 1);
    // A line that ends with a brace is that of a message.
    if (lines.every((line) => !line.endsWith('}'))) return `{${lines.join(' ')}}`;
    const indent = INDENT.repeat(depth + 1);
    const body = lines.map((line) => `${indent}${line}\n`).join('');
    return `{\n${body}${INDENT.repeat(depth)}}`;
  }

  #value(field: Field, wireType: number): unknown {
    switch (field.kind) {
      case 'message': {
        const length = this.#length(wireType);
        // It is there for each field of this kind.
        return this.value(field.message as DescMessage, this.#at + length);
      }
      case 'string': {
        const length = this.#length(wireType);
        this.#at += length;
        const text = this.#bytes.toString('latin1', this.#at - length, this.#at);
        return ASCII.test(text) ? text : this.#bytes.toString('utf8', this.#at - length, this.#at);
      }
      case 'number':
        return Number(this.#varint(wireType));
      case 'long':
        return String(this.#varint(wireType));
      case 'double':
        return this.#double(wireType);
      case 'bool':
        return this.#varint(wireType) !== 0;
      case 'enum': {
        const name = field.names.get(Number(this.#varint(wireType)));
        if (name === undefined) throw new Unusual();
        return name;
      }
      case 'other':
        throw new Unusual();
    }
  }

  #tag(shape: Shape): { field: Field; wireType: number } {
    const tag = Number(this.#varint(0));
    const field = shape[tag >>> 3];
    if (field === undefined) throw new Unusual();
    return { field, wireType: tag & 7 };
  }

  #length(wireType: number): number {
    if (wireType !== 2) throw new Unusual();
    return Number(this.#varint(0));
  }

  #varint(wireType: number): number | bigint {
    if (wireType !== 0) throw new Unusual();
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    let rest = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      rest |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, rest);
    }
    throw new Unusual();
  }

  #double(wireType: number): number {
    if (wireType !== 1 || this.#at + 8 > this.#bytes.length) throw new Unusual();
    const value = this.#bytes.readDoubleLE(this.#at);
    if (!Number.isFinite(value)) throw new Unusual();
    this.#at += 8;
    return value;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Unusual();
    return byte;
  }
}

const shapes = new WeakMap<DescMessage, Shape>();

function shapeOf(schema: DescMessage): Shape {
  let shape = shapes.get(schema);
  if (shape === undefined) {
    const made: (Field | undefined)[] = [];
    for (const field of schema.fields) made[field.number] = fieldOf(field);
    shapes.set(schema, made);
    shape = made;
  }
  return shape;
}

function fieldOf(field: DescField): Field {
  const { name, jsonName } = field;
  return {
    name,
    jsonName,
    kind: kindOf(field),
    isList: field.fieldKind === 'list',
    message: field.message,
    names: new Map(field.enum?.values.map((value) => [value.number, value.name])),
  };
}

/** Lists of numbers are packed, which nothing that is listed has. */
function kindOf(field: DescField): Kind {
  if (field.fieldKind === 'map') return 'other';
  if (field.message !== undefined) return 'message';
  if (field.fieldKind === 'list' && field.scalar !== ScalarType.STRING) return 'other';
  if (field.enum !== undefined) return 'enum';
  switch (field.scalar) {
    case ScalarType.STRING:
      return 'string';
    case ScalarType.UINT32:
      return 'number';
    case ScalarType.UINT64:
      return 'long';
    case ScalarType.DOUBLE:
      return 'double';
    case ScalarType.BOOL:
      return 'bool';
    default:
      return 'other';
  }
}

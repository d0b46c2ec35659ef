/**
 * Messages from their encoding to text or plain values, without objects of the library in between: lists of 100,000
 * rules are printed so. What is rare in them is left to the library.
 */
import { type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf';
import { printText } from './text-format.ts';
import { DELIMITED, FIXED64, VARINT, WireReader } from './wire-reader.ts';
import { type Field, shapeOf, Unusual } from './wire-shape.ts';
import { WireText } from './wire-text.ts';

const ASCII = /^[\0-\x7f]*$/;

type Values = Record<string, unknown>;

/** Prints messages of a type as protobuf text, exactly as printText() does, or as values for JSON. */
export class WirePrinter {
  readonly #schema: DescMessage;
  readonly #omitted: ReadonlySet<string>;
  readonly #text: WireText;

  /** @param omitted names of fields that are not printed */
  constructor(schema: DescMessage, omitted: readonly string[] = []) {
    this.#schema = schema;
    this.#omitted = new Set(omitted);
    this.#text = new WireText(this.#omitted);
  }

  text(bytes: Uint8Array): string | Buffer {
    try {
      return this.#text.print(this.#schema, bytes);
    } catch (error) {
      if (!(error instanceof Unusual)) throw error;
      const message = fromBinary(this.#schema, bytes) as Values & ReturnType<typeof fromBinary>;
      for (const name of this.#omitted) delete message[name];
      return printText(this.#schema, message);
    }
  }

  /** As toJson() has it. */
  json(bytes: Uint8Array): Readonly<Values> {
    const value = this.#json(bytes);
    for (const name of this.#omitted) delete value[name];
    return value;
  }

  #json(bytes: Uint8Array): Values {
    try {
      const reader = new WireReader(bytes);
      return messageValue(reader, this.#schema, reader.bytes.length);
    } catch (error) {
      if (!(error instanceof Unusual)) throw error;
      return toJson(this.#schema, fromBinary(this.#schema, bytes)) as Values;
    }
  }
}

function messageValue(reader: WireReader, schema: DescMessage, end: number): Values {
  const shape = shapeOf(schema);
  const values: Values = {};
  while (reader.at < end) {
    const tag = reader.tag();
    const field = shape[tag >>> 3];
    if (field === undefined) throw new Unusual();
    const wireType = tag & 7;
    if (!field.isList) values[field.jsonName] = fieldValue(reader, field, wireType);
    else addTo(values, field, wireType, reader);
  }
  return values;
}

function addTo(values: Values, field: Field, wireType: number, reader: WireReader): void {
  const list = (values[field.jsonName] ?? []) as unknown[];
  values[field.jsonName] = list;
  if (!field.isPackable || wireType !== DELIMITED) {
    list.push(fieldValue(reader, field, wireType));
    return;
  }
  const end = reader.length(wireType) + reader.at;
  const one = field.kind === 'double' ? FIXED64 : VARINT;
  while (reader.at < end) list.push(fieldValue(reader, field, one));
}

function fieldValue(reader: WireReader, field: Field, wireType: number): unknown {
  switch (field.kind) {
    case 'message': {
      const length = reader.length(wireType);
      // It is there for each field of this kind.
      return messageValue(reader, field.message as DescMessage, reader.at + length);
    }
    case 'string':
      return stringValue(reader, reader.length(wireType));
    case 'double':
      if (wireType !== FIXED64) throw new Unusual();
      return reader.double();
    case 'other':
      throw new Unusual();
    default:
      if (wireType !== VARINT) throw new Unusual();
      return scalarValue(field, reader.varint());
  }
}

function stringValue(reader: WireReader, length: number): string {
  const start = reader.at;
  reader.at += length;
  const text = reader.bytes.toString('latin1', start, reader.at);
  return ASCII.test(text) ? text : reader.bytes.toString('utf8', start, reader.at);
}

function scalarValue({ kind, names }: Field, value: number | bigint): unknown {
  switch (kind) {
    case 'number':
      return Number(value);
    case 'long':
      return String(value);
    case 'bool':
      return value !== 0;
    default: {
      const name = names.get(Number(value));
      if (name === undefined) throw new Unusual();
      return name.toString();
    }
  }
}

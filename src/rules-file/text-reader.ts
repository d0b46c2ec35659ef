/** Protobuf text (protobuf.dev, "Text Format Language Specification"), without extensions and Any. */
import {
  BOOLS,
  expectedOf,
  MAX_UINT32,
  type MessageValue,
  type Notes,
  type Path,
  type Reader,
  SyntaxProblem,
  unknownField,
  type Value,
} from './reading.ts';
import { type Field, isScalar, type ScalarKind, type Shape } from './shape.ts';
import { TextTokens, type Token } from './text-tokens.ts';

/** Deeper than any message is. */
const MAX_DEPTH = 100;

export class TextReader implements Reader {
  readonly #text: string;
  readonly #shape: Shape;
  readonly #notes: Notes;
  #tokens: TextTokens;

  constructor(text: string, shape: Shape, notes: Notes) {
    this.#text = text;
    this.#shape = shape;
    this.#notes = notes;
    this.#tokens = new TextTokens(text);
  }

  *read(): Generator<void, MessageValue> {
    const message: MessageValue = {};
    while (this.#tokens.peek().type !== 'end') {
      this.#field(this.#shape, message, undefined);
      yield;
    }
    return message;
  }

  readMember({ kind }: Field, path: Path, valueOffset: number): void {
    this.#tokens = new TextTokens(this.#text, valueOffset);
    this.#value(kind, path);
  }

  #field(shape: Shape, message: MessageValue, parent: Path | undefined): void {
    const name = this.#tokens.next();
    if (name.type !== 'name') throw unexpected(name, 'the name of a field');
    const field = shape.fields.get(name.text);
    // JSON has other names.
    if (field === undefined || field.name !== name.text) {
      const path = { parent, name: name.text, index: undefined };
      this.#notes.problem(path, name.offset, unknownField(name.text, shape));
      this.#skipField();
    } else {
      const hasColon = this.#tokens.takes(':');
      const next = this.#tokens.peek();
      if (!hasColon && isScalar(field.kind) && !isSign(next, '[')) {
        throw unexpected(next, `a colon after ${field.name}`);
      }
      this.#fieldValue(field, message, parent, name.offset);
    }
    if (!this.#tokens.takes(',')) this.#tokens.takes(';');
  }

  #fieldValue(field: Field, message: MessageValue, parent: Path | undefined, offset: number): void {
    const { jsonName, isRepeated } = field;
    const isList = isSign(this.#tokens.peek(), '[');
    if (isRepeated && isList) {
      this.#list(() => this.#member(field, message, parent, this.#tokens.peek().offset));
      message[jsonName] ??= [];
    } else if (isRepeated) {
      this.#member(field, message, parent, offset);
    } else {
      const path = { parent, name: field.name, index: undefined };
      if (isList) throw unexpected(this.#tokens.peek(), `one value of ${field.name}`);
      if (jsonName in message) this.#notes.problem(path, offset, 'it is there already');
      this.#notes.place(path, isScalar(field.kind) ? this.#tokens.peek().offset : offset);
      message[jsonName] = this.#value(field.kind, path);
    }
  }

  #member(field: Field, message: MessageValue, parent: Path | undefined, offset: number): void {
    const { name, jsonName, kind } = field;
    message[jsonName] ??= [];
    const members = message[jsonName] as Value[];
    const path = { parent, name, index: members.length };
    const valueOffset = this.#tokens.peek().offset;
    if (parent === undefined) this.#notes.member(field, { offset, valueOffset });
    this.#notes.place(path, offset);
    members.push(this.#value(kind, path));
  }

  #list(readOne: () => void): void {
    this.#tokens.next();
    if (this.#tokens.takes(']')) return;
    for (;;) {
      readOne();
      if (this.#tokens.takes(']')) return;
      if (!this.#tokens.takes(',')) throw unexpected(this.#tokens.peek(), 'a comma or ]');
    }
  }

  #value(kind: ScalarKind | Shape, path: Path): Value {
    return isScalar(kind) ? this.#scalar(kind, path) : this.#message(kind, path);
  }

  #message(shape: Shape, path: Path): MessageValue {
    const open = this.#tokens.next();
    const close = closing(open);
    if (close === undefined) throw unexpected(open, `{ of ${shape.name}`);
    const message: MessageValue = {};
    while (!this.#tokens.takes(close)) {
      const token = this.#tokens.peek();
      if (token.type === 'end') {
        throw new SyntaxProblem(
          open.offset,
          `this ${shape.name} does not end: ${close} is missing`,
        );
      }
      this.#field(shape, message, path);
    }
    return message;
  }

  #scalar(kind: ScalarKind, path: Path): Value {
    const { offset } = this.#tokens.peek();
    const isNegative = this.#tokens.takes('-');
    const token = { ...this.#tokens.next(), offset };
    if (kind === 'string' || kind === 'bytes') {
      if (token.type === 'string' && !isNegative) return this.#string(kind, token, path);
      return this.#wrong(token, path, 'a string is expected');
    }
    const value = isNegative ? undefined : plainValue(kind, token);
    return value ?? this.#wrong(token, path, `${expectedOf(kind)} is expected`);
  }

  #string(kind: 'string' | 'bytes', token: Token & { type: 'string' }, path: Path): Value {
    const bytes = this.#joined(token.bytes);
    if (kind === 'bytes') return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    if (typeof bytes === 'string') return bytes;
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return this.#wrong(token, path, 'this string is not UTF-8');
    }
  }

  /** Strings that follow each other are one. */
  #joined(first: Uint8Array | string): Uint8Array | string {
    if (this.#tokens.peek().type !== 'string') return first;
    const parts = [Buffer.from(first as string)];
    for (let token = this.#tokens.peek(); token.type === 'string'; token = this.#tokens.peek()) {
      parts.push(Buffer.from(token.bytes as string));
      this.#tokens.next();
    }
    return Buffer.concat(parts);
  }

  /** What stands in for the value is never used: there is a problem. */
  #wrong(token: Token, path: Path, message: string): Value {
    if (token.type === 'sign' || token.type === 'end') throw unexpected(token, 'a value');
    this.#notes.problem(path, token.offset, message);
    return '';
  }

  #skipField(): void {
    this.#tokens.takes(':');
    this.#skipValue(0);
  }

  #skipValue(depth: number): void {
    const token = this.#tokens.peek();
    if (depth > MAX_DEPTH) throw new SyntaxProblem(token.offset, 'this is nested too deeply');
    if (isSign(token, '[')) {
      this.#list(() => this.#skipValue(depth + 1));
      return;
    }
    const close = closing(token);
    if (close !== undefined) {
      this.#skipMessage(close, depth);
      return;
    }
    this.#tokens.takes('-');
    const value = this.#tokens.next();
    if (value.type === 'sign' || value.type === 'end') throw unexpected(value, 'a value');
    if (value.type === 'string') this.#joined('');
  }

  #skipMessage(close: string, depth: number): void {
    this.#tokens.next();
    while (!this.#tokens.takes(close)) {
      const name = this.#tokens.next();
      if (name.type !== 'name') throw unexpected(name, `the name of a field, or ${close}`);
      this.#tokens.takes(':');
      this.#skipValue(depth + 1);
      if (!this.#tokens.takes(',')) this.#tokens.takes(';');
    }
  }
}

function isSign(token: Token, sign: string): boolean {
  return token.type === 'sign' && token.text === sign;
}

/** What ends the message that a token begins. */
function closing(token: Token): '}' | '>' | undefined {
  if (isSign(token, '{')) return '}';
  return isSign(token, '<') ? '>' : undefined;
}

/** The value of a token of one word. */
function plainValue(
  kind: 'uint32' | 'bool' | readonly string[],
  token: Token,
): string | number | boolean | undefined {
  if (kind === 'uint32') {
    const value = token.type === 'integer' ? toInteger(token.text) : Number.NaN;
    return value <= MAX_UINT32 ? value : undefined;
  }
  if (token.type !== 'name') return undefined;
  if (kind === 'bool') return BOOLS.get(token.text);
  return kind.find((name) => name === token.text);
}

/** Octal numbers begin with 0. */
function toInteger(text: string): number {
  return Number(/^0[0-7]/.test(text) ? `0o${text.slice(1)}` : text);
}

function unexpected(token: Token, expected: string): SyntaxProblem {
  const found =
    token.type === 'string'
      ? 'a string'
      : token.type === 'end'
        ? 'the end of the file'
        : JSON.stringify(token.text);
  return new SyntaxProblem(token.offset, `${expected} is expected here, not ${found}`);
}

/** Messages in JSON, as protobuf has them (protobuf.dev, "ProtoJSON Format"). */
import { base64Decode } from '@bufbuild/protobuf/wire';
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

const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings.
const STRING = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
/** Deeper than any message is. */
const MAX_DEPTH = 100;

export class JsonReader implements Reader {
  readonly #text: string;
  readonly #shape: Shape;
  readonly #notes: Notes;
  #at = 0;

  constructor(text: string, shape: Shape, notes: Notes) {
    this.#text = text;
    this.#shape = shape;
    this.#notes = notes;
  }

  *read(): Generator<void, MessageValue> {
    const message = yield* this.#message(this.#shape, undefined);
    if (this.#peek() !== undefined) throw this.#expected('the end of the file');
    return message;
  }

  readMember({ kind }: Field, path: Path, valueOffset: number): void {
    this.#at = valueOffset;
    this.#value(kind, path);
  }

  *#message(shape: Shape, path: Path | undefined): Generator<void, MessageValue> {
    const message: MessageValue = {};
    const open = this.#at;
    if (!this.#takes('{')) throw this.#expected(`{ of ${shape.name}`);
    if (this.#takes('}')) return message;
    const seen = new Set<string>();
    do {
      this.#peek();
      const offset = this.#at;
      const name = this.#string('the name of a field, in quotes');
      if (!this.#takes(':')) throw this.#expected('a colon');
      const field = shape.fields.get(name);
      const here = { parent: path, name: field?.name ?? name, index: undefined };
      if (seen.has(here.name)) this.#notes.problem(here, offset, 'it is there already');
      seen.add(here.name);
      if (field === undefined) {
        this.#notes.problem(here, offset, unknownField(name, shape));
        this.#skip(0);
      } else yield* this.#field(field, message, here, offset);
    } while (this.#takes(','));
    if (!this.#takes('}')) {
      if (this.#peek() !== undefined) throw this.#expected('a comma or }');
      throw new SyntaxProblem(open, `this ${shape.name} does not end: } is missing`);
    }
    return message;
  }

  *#field(field: Field, message: MessageValue, path: Path, offset: number): Generator<void> {
    const { jsonName, kind, isRepeated } = field;
    const first = this.#peek();
    if (this.#takesWord('null')) return;
    if (!isRepeated) {
      this.#notes.place(path, isScalar(kind) ? this.#at : offset);
      message[jsonName] = this.#value(kind, path);
      return;
    }
    if (first !== '[') {
      this.#notes.problem(path, this.#at, 'a list is expected: [ … ]');
      this.#skip(0);
      return;
    }
    const members: Value[] = [];
    message[jsonName] = members;
    this.#takes('[');
    if (this.#takes(']')) return;
    do {
      this.#peek();
      const member = { parent: path.parent, name: field.name, index: members.length };
      if (path.parent === undefined) {
        this.#notes.member(field, { offset: this.#at, valueOffset: this.#at });
        yield;
      }
      this.#notes.place(member, this.#at);
      members.push(this.#value(kind, member));
    } while (this.#takes(','));
    if (!this.#takes(']')) throw this.#expected('a comma or ]');
  }

  #value(kind: ScalarKind | Shape, path: Path): Value {
    if (isScalar(kind)) return this.#scalar(kind, path);
    if (this.#peek() === '{') return drain(this.#message(kind, path));
    this.#notes.problem(path, this.#at, `${kind.name} is expected: { … }`);
    this.#skip(0);
    return {};
  }

  #scalar(kind: ScalarKind, path: Path): Value {
    const first = this.#peek();
    const offset = this.#at;
    const text = first === '"' ? this.#string('a string') : undefined;
    if (text === undefined) this.#skip(0);
    const value = read(kind, text, this.#text.slice(offset, this.#at));
    if (value !== undefined) return value;
    this.#notes.problem(path, offset, `${expected(kind)} is expected`);
    // It is never used: there is a problem.
    return '';
  }

  #skip(depth: number): void {
    const first = this.#peek();
    if (depth > MAX_DEPTH) throw new SyntaxProblem(this.#at, 'this is nested too deeply');
    if (first === '{') this.#skipMembers('{', '}', depth);
    else if (first === '[') this.#skipMembers('[', ']', depth);
    else if (first === '"') this.#string('a string');
    else if (this.#match(NUMBER) === undefined && this.#match(WORD) === undefined) {
      throw this.#expected('a value');
    }
  }

  #skipMembers(open: string, close: string, depth: number): void {
    this.#takes(open);
    if (this.#takes(close)) return;
    do {
      if (open === '{') {
        this.#peek();
        this.#string('a name in quotes');
        if (!this.#takes(':')) throw this.#expected('a colon');
      }
      this.#skip(depth + 1);
    } while (this.#takes(','));
    if (!this.#takes(close)) throw this.#expected(`a comma or ${close}`);
  }

  #string(expected: string): string {
    const offset = this.#at;
    const text = this.#match(STRING);
    if (text !== undefined) return text.includes('\\') ? JSON.parse(text) : text.slice(1, -1);
    if (this.#text[offset] === '"') {
      throw new SyntaxProblem(offset, 'this string does not end, or has what JSON does not allow');
    }
    throw this.#expected(expected);
  }

  /** The next character that is no space; undefined at the end. */
  #peek(): string | undefined {
    this.#match(SPACE);
    return this.#text[this.#at];
  }

  #takes(sign: string): boolean {
    if (this.#peek() !== sign) return false;
    this.#at++;
    return true;
  }

  #takesWord(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#at += match.length;
    return match;
  }

  #expected(what: string): SyntaxProblem {
    const char = this.#peek();
    const found = char === undefined ? 'the end of the file' : JSON.stringify(char);
    return new SyntaxProblem(this.#at, `${what} is expected here, not ${found}`);
  }
}

function expected(kind: ScalarKind): string {
  if (kind === 'string') return 'a string of Unicode text';
  return kind === 'bytes' ? 'a string of base64' : expectedOf(kind);
}

/** @param text of a string; undefined = it is none. @param raw as it stands there */
function read(kind: ScalarKind, text: string | undefined, raw: string): Value | undefined {
  switch (kind) {
    case 'string':
      return text?.isWellFormed() ? text : undefined;
    case 'bytes':
      return text === undefined ? undefined : decodeBase64(text);
    case 'uint32':
      return readUint32(text, raw);
    case 'bool':
      return BOOLS.get(raw);
    default:
      return kind.find((name) => name === text);
  }
}

/** Numbers may be strings, as the protobuf library reads them. */
function readUint32(text: string | undefined, raw: string): number | undefined {
  const isNumber = text === undefined ? /^-?\d/.test(raw) : /^\S+$/.test(text);
  const value = isNumber ? Number(text ?? raw) : Number.NaN;
  return Number.isInteger(value) && value >= 0 && value <= MAX_UINT32 ? value : undefined;
}

function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return base64Decode(text);
  } catch {
    return undefined;
  }
}

function drain<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Tokens of protobuf text (protobuf.dev, "Text Format Language Specification"). */
import { SyntaxProblem } from './reading.ts';

export type Token =
  | { readonly type: 'name' | 'integer' | 'float'; readonly text: string; readonly offset: number }
  | { readonly type: 'string'; readonly bytes: Uint8Array | string; readonly offset: number }
  | { readonly type: 'sign'; readonly text: string; readonly offset: number }
  | { readonly type: 'end'; readonly text: string; readonly offset: number };

const SPACE = /(?:[ \t\n\r\v\f]+|#[^\n]*)*/y;
const NAME = /[A-Za-z_]\w*/y;
const FLOAT = /(?:\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)[fF]?|\d+[fF]/y;
const INTEGER = /0[xX][0-9a-fA-F]+|0[0-7]+|0|[1-9]\d*/y;
/** What may not follow a number. */
const GLUED = /[\w.+-]/;
const SIGNS = '{}<>[]:,;-';
const PLAIN = { '"': /[^"\\\n\0]*"/y, "'": /[^'\\\n\0]*'/y };

export class TextTokens {
  readonly #text: string;
  #at: number;
  #next: Token | undefined;

  constructor(text: string, offset = 0) {
    this.#text = text;
    this.#at = offset;
  }

  /** @throws SyntaxProblem */
  peek(): Token {
    this.#next ??= this.#scan();
    return this.#next;
  }

  /** @throws SyntaxProblem */
  next(): Token {
    const token = this.peek();
    this.#next = undefined;
    return token;
  }

  /** Takes the next token when it is this sign. */
  takes(sign: string): boolean {
    const token = this.peek();
    if (token.type !== 'sign' || token.text !== sign) return false;
    this.#next = undefined;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#at += match.length;
    return match;
  }

  #scan(): Token {
    this.#match(SPACE);
    const offset = this.#at;
    const char = this.#text[offset];
    if (char === undefined) return { type: 'end', text: 'the end', offset };
    if (SIGNS.includes(char)) {
      this.#at++;
      return { type: 'sign', text: char, offset };
    }
    if (char === '"' || char === "'") return this.#string(char, offset);
    const name = this.#match(NAME);
    if (name !== undefined) return { type: 'name', text: name, offset };
    const number = this.#number(offset);
    if (number !== undefined) return number;
    throw new SyntaxProblem(offset, `${JSON.stringify(char)} has no meaning here`);
  }

  #number(offset: number): Token | undefined {
    const float = this.#match(FLOAT);
    const text = float ?? this.#match(INTEGER);
    if (text === undefined) return undefined;
    if (GLUED.test(this.#text[this.#at] ?? '')) {
      throw new SyntaxProblem(offset, 'this is no number');
    }
    return { type: float === undefined ? 'integer' : 'float', text, offset };
  }

  #string(quote: '"' | "'", offset: number): Token {
    this.#at++;
    const plain = this.#match(PLAIN[quote]);
    if (plain !== undefined) return { type: 'string', bytes: plain.slice(0, -1), offset };
    const parts: Buffer[] = [];
    for (let start = this.#at; ; ) {
      const char = this.#text[this.#at];
      if (char === undefined || char === '\n' || char === '\0') {
        throw new SyntaxProblem(offset, 'this string does not end on its line');
      }
      if (char !== quote && char !== '\\') {
        this.#at++;
        continue;
      }
      parts.push(Buffer.from(this.#text.slice(start, this.#at)));
      this.#at++;
      if (char === quote) return { type: 'string', bytes: Buffer.concat(parts), offset };
      parts.push(this.#escape());
      start = this.#at;
    }
  }

  /** After the backslash. */
  #escape(): Buffer {
    const offset = this.#at - 1;
    const match = this.#match(ESCAPE);
    const bytes = match === undefined ? undefined : escapedBytes(match);
    if (bytes === undefined) throw new SyntaxProblem(offset, 'there is no such escape sequence');
    return bytes;
  }
}

const ESCAPE = /[abfnrtv"'\\?]|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}/y;
const CONTROLS: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
};

/** undefined = out of range, or half of a surrogate pair. */
function escapedBytes(sequence: string): Buffer | undefined {
  const kind = sequence[0] ?? '';
  if (kind === 'u' || kind === 'U') {
    const code = Number.parseInt(sequence.slice(1), 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    return Buffer.from(String.fromCodePoint(code));
  }
  if (kind === 'x') return Buffer.of(Number.parseInt(sequence.slice(1), 16));
  if (/[0-7]/.test(kind)) {
    const value = Number.parseInt(sequence, 8);
    return value > 0xff ? undefined : Buffer.of(value);
  }
  return Buffer.of(CONTROLS[kind] ?? kind.charCodeAt(0));
}

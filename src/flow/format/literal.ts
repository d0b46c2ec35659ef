/**
 * Constant octets that are written often: eight at a time, as doubles. (UTF-8 never makes a NaN: its top two octets
 * would have to be 0x7f or 0xff after 0xf0 or above.) What is written may run past its end: rows have room for that,
 * and the next field overwrites it.
 */
export interface Literal {
  readonly length: number;
  /** The first 24 octets: writing them all is faster than to count. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** What comes after them. */
  readonly rest: Literal | undefined;
}

/** How far writers may run past what they write. */
export const OVERRUN = 24;

export function makeLiteral(text: string): Literal {
  return literalOf(Buffer.from(text));
}

function literalOf(octets: Buffer): Literal {
  const head = Buffer.alloc(24);
  octets.copy(head);
  return {
    length: octets.length,
    a: head.readDoubleLE(0),
    b: head.readDoubleLE(8),
    c: head.readDoubleLE(16),
    rest: octets.length > 24 ? literalOf(octets.subarray(24)) : undefined,
  };
}

/** @returns where the next octet goes */
export function putLiteral(view: DataView, at: number, literal: Literal): number {
  const { a, b, c, rest, length } = literal;
  return putParts(view, at, a, b, c, rest, length);
}

/** The same for loops, which keep the parts of a literal at hand. */
export function putParts(
  view: DataView,
  at: number,
  a: number,
  b: number,
  c: number,
  rest: Literal | undefined,
  length: number,
): number {
  view.setFloat64(at, a, true);
  view.setFloat64(at + 8, b, true);
  view.setFloat64(at + 16, c, true);
  if (rest !== undefined) putLiteral(view, at + 24, rest);
  return at + length;
}

/** At most four octets. */
export interface Ending {
  readonly length: number;
  readonly word: number;
}

export function makeEnding(text: string): Ending {
  return { length: text.length, word: Buffer.from(text.padEnd(4, '\0')).readUInt32LE() };
}

/** @returns where the next octet goes */
export function putEnding(view: DataView, at: number, { word, length }: Ending): number {
  view.setUint32(at, word, true);
  return at + length;
}

/**
 * Constant octets that are written often: eight at a time, as doubles. (UTF-8 never makes a NaN: its top two octets
 * would have to be 0x7f or 0xff after 0xf0 or above.) What is written may run up to seven octets past the end: rows
 * have room for that, and the next field overwrites it.
 */
export interface Literal {
  readonly words: Float64Array;
  readonly length: number;
}

/** How far writers may run past what they write. */
export const OVERRUN = 8;

export function makeLiteral(text: string): Literal {
  const octets = Buffer.from(text);
  const padded = Buffer.alloc(Math.ceil(octets.length / 8) * 8);
  octets.copy(padded);
  const words = new Float64Array(padded.length / 8);
  for (let i = 0; i < words.length; i++) words[i] = padded.readDoubleLE(i * 8);
  return { words, length: octets.length };
}

/** @returns where the next octet goes */
export function putLiteral(view: DataView, at: number, literal: Literal): number {
  const { words } = literal;
  for (let i = 0; i < words.length; i++) view.setFloat64(at + i * 8, words[i] as number, true);
  return at + literal.length;
}

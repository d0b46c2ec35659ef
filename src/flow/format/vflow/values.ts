/**
 * Values of information elements as JSON, as vFlow writes them, but valid. Each writer returns where the next octet
 * goes, and may run OVERRUN octets past that.
 */
import { putDotted, putIpv6, putMac, putUint, putUint64 } from '../digits.ts';
import { makeLiteral, putLiteral } from '../literal.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;

const TRUE = makeLiteral('true');
const FALSE = makeLiteral('false');
const NULL = makeLiteral('null');
const HEX_START = makeLiteral('"0x');

/** An octet in hexadecimal: two characters, the first in the low octet. */
const HEX = Uint16Array.from({ length: 256 }, (_, value) =>
  Buffer.from(value.toString(16).padStart(2, '0')).readUInt16LE(),
);

/** RFC 7011, section 6.1.5: 1 is true. */
export function putBoolean(out: DataView, at: number, octet: number): number {
  return putLiteral(out, at, octet === 1 ? TRUE : FALSE);
}

export function putInt(out: DataView, at: number, value: number): number {
  if (value >= 0) return putUint(out, at, value);
  out.setUint8(at, MINUS);
  return putUint(out, at + 1, -value);
}

/** A signed number of 64 bits, as two words. */
export function putInt64(out: DataView, at: number, high: number, low: number): number {
  if (high >>> 31 === 0) return putUint64(out, at, high >>> 0, low);
  out.setUint8(at, MINUS);
  const negatedLow = -low >>> 0;
  const negatedHigh = (~high + (negatedLow === 0 ? 1 : 0)) >>> 0;
  return putUint64(out, at + 1, negatedHigh, negatedLow);
}

/** A number as Go's strconv writes it with format 'E': `1.5E+00`. What is none in JSON (NaN, infinity) is null. */
export function putFloat(out: DataView, at: number, value: number, bits: 32 | 64): number {
  if (!Number.isFinite(value)) return putLiteral(out, at, NULL);
  const text = bits === 32 ? shortestFloat32(value) : value.toExponential();
  const [mantissa, exponent = '+0'] = text.split('e');
  const sign = Object.is(value, -0) ? '-' : '';
  const digits = exponent.slice(1).padStart(2, '0');
  return putAscii(out, at, `${sign}${mantissa}E${exponent.charAt(0)}${digits}`);
}

function shortestFloat32(value: number): string {
  for (let digits = 0; digits < 8; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return text;
  }
  return value.toExponential(8);
}

function putAscii(out: DataView, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out.setUint8(at + i, text.charCodeAt(i));
  return at + text.length;
}

export function putIpv4Text(out: DataView, at: number, address: number): number {
  out.setUint8(at, QUOTE);
  return putQuote(out, putDotted(out, at + 1, address));
}

const words = new Uint32Array(4);

/** IPv4-mapped addresses as IPv4, as Go prints them. */
export function putIpv6Text(out: DataView, at: number, source: DataView, from: number): number {
  for (let i = 0; i < 4; i++) words[i] = source.getUint32(from + i * 4);
  const [first, second, third, fourth] = words as unknown as [number, number, number, number];
  if (third === 0xffff && (first | second) === 0) return putIpv4Text(out, at, fourth);
  out.setUint8(at, QUOTE);
  return putQuote(out, putIpv6(out, at + 1, words, 0));
}

export function putMacText(out: DataView, at: number, high: number, low: number): number {
  out.setUint8(at, QUOTE);
  return putQuote(out, putMac(out, at + 1, high, low));
}

/** Octets: `"0x0102"`. */
export function putHex(
  out: DataView,
  at: number,
  source: Uint8Array,
  from: number,
  to: number,
): number {
  let next = putLiteral(out, at, HEX_START);
  for (let i = from; i < to; i++) {
    out.setUint16(next, HEX[source[i] as number] as number, true);
    next += 2;
  }
  return putQuote(out, next);
}

/** Text, without the zero octets that exporters fill it up with. What is no UTF-8 is U+FFFD. */
export function putText(
  out: DataView,
  at: number,
  source: Uint8Array,
  from: number,
  to: number,
): number {
  let end = to;
  while (end > from && source[end - 1] === 0) end--;
  out.setUint8(at, QUOTE);
  let next = at + 1;
  for (let i = from; i < end; i++) {
    const octet = source[i] as number;
    if (octet < 0x20 || octet > 0x7e || octet === QUOTE || octet === BACKSLASH) {
      return putUnusual(out, at, source.subarray(from, end));
    }
    out.setUint8(next++, octet);
  }
  return putQuote(out, next);
}

function putUnusual(out: DataView, at: number, octets: Uint8Array): number {
  const { buffer, byteOffset, byteLength } = octets;
  const text = JSON.stringify(Buffer.from(buffer, byteOffset, byteLength).toString());
  const { written } = encoder.encodeInto(text, new Uint8Array(out.buffer, out.byteOffset + at));
  return at + written;
}

const encoder = new TextEncoder();

function putQuote(out: DataView, at: number): number {
  out.setUint8(at, QUOTE);
  return at + 1;
}

/** Numbers, addresses and times as text, written straight into memory. Writers may run OVERRUN octets past the end. */

const ZERO = 0x30;

/** 0 to 999 without leading zeros, as four octets; the last has how many digits there are. */
const SHORT = Uint32Array.from({ length: 1000 }, (_, value) => {
  const text = String(value);
  return octets(text) | (text.length << 24);
});

/** 000 to 999. */
const PADDED = Uint32Array.from({ length: 1000 }, (_, value) =>
  octets(String(value).padStart(3, '0')),
);

/** An octet in decimal and a dot, and how long that is. */
const DOTTED = Uint32Array.from({ length: 256 }, (_, value) => octets(`${value}.`));
const DOTTED_LENGTH = Uint8Array.from({ length: 256 }, (_, value) => `${value}.`.length);

/** An octet in hexadecimal and a colon. */
const HEX_COLON = Uint32Array.from({ length: 256 }, (_, value) =>
  octets(`${value.toString(16).padStart(2, '0')}:`),
);

function octets(text: string): number {
  return Buffer.from(text.padEnd(4, '\0')).readInt32LE();
}

/** Writes a number of 32 bits. @returns where the next octet goes */
export function putUint(view: DataView, at: number, value: number): number {
  if (value < 1_000) return putShort(view, at, value);
  const thousands = (value / 1_000) >>> 0;
  const rest = value - thousands * 1_000;
  if (thousands < 1_000) return putThree(view, putShort(view, at, thousands), rest);
  const millions = (thousands / 1_000) >>> 0;
  const middle = putMillions(view, at, millions);
  return putThree(view, putThree(view, middle, thousands - millions * 1_000), rest);
}

function putMillions(view: DataView, at: number, millions: number): number {
  if (millions < 1_000) return putShort(view, at, millions);
  const milliards = (millions / 1_000) >>> 0;
  return putThree(view, putShort(view, at, milliards), millions - milliards * 1_000);
}

function putShort(view: DataView, at: number, value: number): number {
  const entry = SHORT[value] as number;
  view.setUint32(at, entry, true);
  return at + (entry >>> 24);
}

function putThree(view: DataView, at: number, value: number): number {
  view.setUint32(at, PADDED[value] as number, true);
  return at + 3;
}

function putNine(view: DataView, at: number, value: number): number {
  const thousands = (value / 1_000) >>> 0;
  const millions = (thousands / 1_000) >>> 0;
  putThree(view, at, millions);
  putThree(view, at + 3, thousands - millions * 1_000);
  return putThree(view, at + 6, value - thousands * 1_000);
}

/** Writes a number of 64 bits, all its digits. */
export function putUint64(view: DataView, at: number, high: number, low: number): number {
  if (high === 0) return putUint(view, at, low);
  // Long division by 10⁹, sixteen bits at a time: all steps are exact in doubles.
  const first = (high / 1e9) >>> 0;
  const second = (high - first * 1e9) * 0x10000 + (low >>> 16);
  const secondQuotient = Math.floor(second / 1e9);
  const third = (second - secondQuotient * 1e9) * 0x10000 + (low & 0xffff);
  const thirdQuotient = Math.floor(third / 1e9);
  const quotient = (first * 0x10000 + secondQuotient) * 0x10000 + thirdQuotient;
  return putNine(view, putInteger(view, at, quotient), third - thirdQuotient * 1e9);
}

/** Writes a whole number below 2⁵³. */
export function putInteger(view: DataView, at: number, value: number): number {
  if (value < 0x1_0000_0000) return putUint(view, at, value);
  const milliards = Math.floor(value / 1e9);
  return putNine(view, putUint(view, at, milliards), value - milliards * 1e9);
}

/** Writes an IPv4 address, dotted. */
export function putDotted(view: DataView, at: number, word: number): number {
  const third = putDot(view, putDot(view, at, word >>> 24), (word >>> 16) & 0xff);
  return putDot(view, putDot(view, third, (word >>> 8) & 0xff), word & 0xff) - 1;
}

function putDot(view: DataView, at: number, octet: number): number {
  view.setUint32(at, DOTTED[octet] as number, true);
  return at + (DOTTED_LENGTH[octet] as number);
}

/** Writes a MAC address: `00:53:0a:…`. */
export function putMac(view: DataView, at: number, high: number, low: number): number {
  view.setUint32(at, HEX_COLON[(high >>> 8) & 0xff] as number, true);
  view.setUint32(at + 3, HEX_COLON[high & 0xff] as number, true);
  view.setUint32(at + 6, HEX_COLON[low >>> 24] as number, true);
  view.setUint32(at + 9, HEX_COLON[(low >>> 16) & 0xff] as number, true);
  view.setUint32(at + 12, HEX_COLON[(low >>> 8) & 0xff] as number, true);
  view.setUint32(at + 15, HEX_COLON[low & 0xff] as number, true);
  return at + 17;
}

const groups = new Uint16Array(8);

/** Writes an IPv6 address as RFC 5952 has it. @param first index of the first of its four words */
export function putIpv6(view: DataView, at: number, words: Uint32Array, first: number): number {
  for (let i = 0; i < 4; i++) {
    const word = words[first + i] as number;
    groups[i * 2] = word >>> 16;
    groups[i * 2 + 1] = word & 0xffff;
  }
  const run = longestZeroRun();
  const start = run >>> 4;
  const end = start + (run & 0xf);
  let next = at;
  for (let i = 0; i < 8; i++) {
    if (i === start && end > start) {
      view.setUint16(next, 0x3a3a);
      next += i === 0 ? 2 : 1;
      i = end - 1;
    } else {
      next = putGroup(view, next, groups[i] as number);
      view.setUint8(next++, 0x3a);
    }
  }
  return end === 8 && end > start ? next : next - 1;
}

/** The first of the longest runs of at least two zero groups: where it begins × 16 + its length; 0 when there is none. */
function longestZeroRun(): number {
  let best = 0;
  let length = 0;
  for (let i = 0; i < 8; i++) {
    length = groups[i] === 0 ? length + 1 : 0;
    if (length > 1 && length > (best & 0xf)) best = ((i - length + 1) << 4) | length;
  }
  return best;
}

function putGroup(view: DataView, at: number, group: number): number {
  let next = at;
  if (group > 0xfff) view.setUint8(next++, hexDigit(group >>> 12));
  if (group > 0xff) view.setUint8(next++, hexDigit((group >>> 8) & 0xf));
  if (group > 0xf) view.setUint8(next++, hexDigit((group >>> 4) & 0xf));
  view.setUint8(next++, hexDigit(group & 0xf));
  return next;
}

function hexDigit(value: number): number {
  return value + (value < 10 ? ZERO : 0x57);
}

import { canonicalOctets, formatAddress, mappedOctets, parseAddress } from '../../model/address.ts';

const WORDS = 4;

/** An address as columns have it: four words, IPv4 as ::ffff:a.b.c.d. @returns undefined when it is none */
export function parseWords(text: string): Uint32Array | undefined {
  const octets = parseAddress(text);
  if (octets === undefined) return undefined;
  const view = new DataView(mappedOctets(octets).slice().buffer);
  return Uint32Array.from({ length: WORDS }, (_, i) => view.getUint32(i * 4));
}

/** @param at where the first of the four words is */
export function formatWords(words: Uint32Array, at = 0): string {
  const view = new DataView(new ArrayBuffer(16));
  for (let i = 0; i < WORDS; i++) view.setUint32(i * 4, words[at + i] ?? 0);
  return formatAddress(canonicalOctets(new Uint8Array(view.buffer)));
}

/** Networks in which an address can be: few, so that they are looked at one by one. */
export class Prefixes {
  readonly #prefixes: readonly { readonly words: Uint32Array; readonly masks: Uint32Array }[];

  /** @throws TypeError for a text that is neither an address nor `ADDRESS/LENGTH` */
  constructor(texts: readonly string[]) {
    this.#prefixes = texts.map((text) => {
      const prefix = parsePrefix(text);
      if (prefix === undefined) throw new TypeError(`${text} is no prefix`);
      return prefix;
    });
  }

  has(address: Uint32Array, at = 0): boolean {
    return this.#prefixes.some(({ words, masks }) => {
      for (let i = 0; i < WORDS; i++) {
        if ((((address[at + i] ?? 0) ^ (words[i] ?? 0)) & (masks[i] ?? 0)) !== 0) return false;
      }
      return true;
    });
  }
}

export function isPrefix(text: string): boolean {
  return parsePrefix(text) !== undefined;
}

function parsePrefix(text: string) {
  const [address = '', lengthText, ...rest] = text.split('/');
  const words = parseWords(address);
  if (words === undefined || rest.length > 0) return undefined;
  const bits = address.includes(':') ? 128 : 32;
  const length = lengthText === undefined ? bits : Number(lengthText);
  if (!/^\d{1,3}$/.test(lengthText ?? '0') || length > bits) return undefined;
  return { words, masks: maskWords(128 - bits + length) };
}

/** Ones in the first bits. */
function maskWords(length: number): Uint32Array {
  return Uint32Array.from({ length: WORDS }, (_, i) => {
    const bits = Math.min(32, Math.max(0, length - 32 * i));
    return bits === 0 ? 0 : -1 << (32 - bits);
  });
}

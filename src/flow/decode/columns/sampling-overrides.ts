import { mappedOctets, parseAddress } from '../../../model/address.ts';
import type { AddressWords } from '../session.ts';

/** A sampling rate that holds for exporters of a prefix, whatever they say. */
export interface SamplingOverride {
  /** An address, or a prefix such as 192.0.2.0/24. */
  readonly prefix: string;
  readonly rate: number;
}

interface Prefix {
  readonly words: AddressWords;
  readonly masks: AddressWords;
  readonly bits: number;
  readonly rate: number;
}

/** Rates by prefix: the longest one holds. */
export class SamplingOverrides {
  readonly #prefixes: readonly Prefix[];

  /** @throws Error for a prefix that is none */
  constructor(overrides: readonly SamplingOverride[]) {
    this.#prefixes = overrides.map(parsePrefix).sort((a, b) => b.bits - a.bits);
  }

  /** @returns 0 when none holds */
  rateOf(address: AddressWords): number {
    return this.#prefixes.find((prefix) => holds(prefix, address))?.rate ?? 0;
  }
}

function holds({ words, masks }: Prefix, address: AddressWords): boolean {
  return address.every((word, i) => (word & (masks[i] as number)) >>> 0 === words[i]);
}

function parsePrefix({ prefix, rate }: SamplingOverride): Prefix {
  const [text = '', length] = prefix.split('/');
  const octets = parseAddress(text);
  if (octets === undefined) throw new Error(`sampling: ${prefix} is no address or prefix`);
  const bits = length === undefined ? 128 : Number(length) + (octets.length === 4 ? 96 : 0);
  const view = new DataView(Uint8Array.from(mappedOctets(octets)).buffer);
  const masks = words((i) => maskOf(bits - i * 32));
  return { words: words((i) => (view.getUint32(i * 4) & masks[i as 0]) >>> 0), masks, bits, rate };
}

function words(of: (index: number) => number): AddressWords {
  return [of(0), of(1), of(2), of(3)];
}

/** A word whose first bits are set. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - bits)) >>> 0;
}

import type { AbstractType } from '../../../src/flow/elements/element.ts';
import type { Random } from './random.ts';

/** What octets of a field mean: whole numbers as bigint; addresses as they are printed; lists and unknown as octets. */
export type Meaning = bigint | number | boolean | string | Uint8Array;

export interface WrittenValue {
  readonly octets: Uint8Array;
  readonly meaning: Meaning;
}

const TEXT_ALPHABET = [...'abcXYZ019 _-./"\\\t\n\u0001\u007fäß€漢😀'];

/** Lengths that a field of a type can have in templates, but for variable length. */
export function lengthsOf(type: AbstractType | undefined): readonly number[] {
  switch (type) {
    case 'unsigned8':
    case 'signed8':
    case 'boolean':
      return [1];
    case 'unsigned16':
    case 'signed16':
      return [2, 2, 1];
    case 'unsigned32':
    case 'signed32':
      return [4, 4, 3, 2, 1];
    case 'unsigned64':
    case 'signed64':
      return [8, 8, 7, 6, 5, 4, 3, 2, 1];
    case 'dateTimeSeconds':
    case 'ipv4Address':
    case 'float32':
      return [4];
    case 'float64':
      return [8, 4];
    case 'dateTimeMilliseconds':
    case 'dateTimeMicroseconds':
    case 'dateTimeNanoseconds':
      return [8];
    case 'macAddress':
      return [6];
    case 'ipv6Address':
      return [16];
    case 'unsigned256':
      return [32, 12];
    default:
      return [0, 1, 2, 5, 8, 16, 33];
  }
}

/** A value of a type in so many octets. */
export function writeValue(
  random: Random,
  type: AbstractType | undefined,
  length: number,
): WrittenValue {
  switch (type) {
    case 'boolean': {
      const meaning = random.once(2);
      return { octets: Uint8Array.of(meaning ? 1 : 2), meaning };
    }
    case 'string':
      return writeText(random, length);
    case 'float32':
    case 'float64':
      return writeFloat(random, length);
    default: {
      const octets = random.octets(length);
      return { octets, meaning: meaningOf(type, octets) };
    }
  }
}

function meaningOf(type: AbstractType | undefined, octets: Uint8Array): Meaning {
  switch (type) {
    case 'signed8':
    case 'signed16':
    case 'signed32':
    case 'signed64':
      return BigInt.asIntN(octets.length * 8, whole(octets));
    case 'unsigned8':
    case 'unsigned16':
    case 'unsigned32':
    case 'unsigned64':
    case 'dateTimeSeconds':
    case 'dateTimeMilliseconds':
    case 'dateTimeMicroseconds':
    case 'dateTimeNanoseconds':
      return whole(octets);
    case 'ipv4Address':
      return octets.join('.');
    case 'ipv6Address':
      return ipv6(octets);
    case 'macAddress':
      return [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join(':');
    default:
      return octets;
  }
}

function whole(octets: Uint8Array): bigint {
  return octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
}

/** As RFC 5952 has it; the parser of URLs prints it so too. */
function ipv6(octets: Uint8Array): string {
  const hex = Buffer.from(octets).toString('hex').match(/.{4}/g) as string[];
  const text = new URL(`http://[${hex.join(':')}]/`).hostname.slice(1, -1);
  return text.startsWith('::ffff:') && octets.subarray(0, 10).every((octet) => octet === 0)
    ? octets.subarray(12).join('.')
    : text;
}

function writeFloat(random: Random, length: number): WrittenValue {
  const octets = Buffer.alloc(length);
  const value = random.pick([0, -0, 1, -1.5, 1e-7, 123456.789, 3.4e38, Number.NaN, Infinity]);
  if (random.once(2)) octets.set(random.octets(length));
  else if (length === 4) octets.writeFloatBE(value);
  else octets.writeDoubleBE(value);
  const meaning = length === 4 ? octets.readFloatBE() : octets.readDoubleBE();
  return { octets: Uint8Array.from(octets), meaning };
}

/** Text, filled up with zeros; now and then octets that are no UTF-8. */
function writeText(random: Random, length: number): WrittenValue {
  const octets = new Uint8Array(length);
  if (random.once(6)) octets.set(random.octets(length));
  else {
    let at = 0;
    const most = random.int(0, length);
    for (let i = 0; i < most; i++) {
      const character = Buffer.from(random.pick(TEXT_ALPHABET));
      if (at + character.length > length) break;
      octets.set(character, at);
      at += character.length;
    }
  }
  return { octets, meaning: Buffer.from(octets).toString().replace(/\0+$/, '') };
}

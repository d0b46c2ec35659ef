/** Random records of sFlow, by their description in the catalogue, and what they say. */
import fc from 'fast-check';
import type {
  Field,
  ScalarKind,
  Structure,
} from '../../src/flow/decode/sflow/structures/structure.ts';
import { addressText } from './rows.ts';
import { addressOctets, longs, opaque, typedAddress, words } from './sflow-writer.ts';

/** Where a value stands in a record, without lengths, types and padding. */
export interface Place {
  readonly at: number;
  readonly octets: Buffer;
  readonly key: string;
}

export interface WrittenRecord {
  readonly data: Buffer;
  readonly places: readonly Place[];
  /** As JSON: whole numbers as their digits, so that none is rounded. */
  readonly said: Readonly<Record<string, unknown>>;
}

interface Written {
  readonly octets: Buffer;
  readonly said: unknown;
  readonly places: readonly Omit<Place, 'key'>[];
}

/** Reads JSON with whole numbers as their digits; those that have an exponent are of 32 bits. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number') return value;
    return context?.source?.includes('E') ? Math.fround(value) : context?.source;
  });
}

/** @param nameOf which name of a field is its key */
export function arbitraryRecord(
  { fields }: Structure,
  nameOf: (field: Field) => string,
): fc.Arbitrary<WrittenRecord> {
  return fc.tuple(...fields.map(({ kind }) => written(kind, nameOf))).map((values) => {
    const places: Place[] = [];
    let at = 0;
    for (const [i, value] of values.entries()) {
      const { key } = fields[i] as Field;
      places.push(...value.places.map((place) => ({ ...place, at: place.at + at, key })));
      at += value.octets.length;
    }
    return {
      data: Buffer.concat(values.map(({ octets }) => octets)),
      places,
      said: Object.fromEntries(values.map(({ said }, i) => [nameOf(fields[i] as Field), said])),
    };
  });
}

function written(kind: Field['kind'], nameOf: (field: Field) => string): fc.Arbitrary<Written> {
  if (typeof kind === 'string') return scalar(kind);
  const { list } = kind;
  const element =
    typeof list === 'string' ? scalar(list) : elementOf(list as readonly Field[], nameOf);
  return fc.array(element, { maxLength: 3 }).map((elements) => {
    const { octets, places } = joined(elements);
    return {
      octets: Buffer.concat([words(elements.length), octets]),
      said: elements.map(({ said }) => said),
      places: places.map((place) => ({ ...place, at: place.at + 4 })),
    };
  });
}

function elementOf(
  fields: readonly Field[],
  nameOf: (field: Field) => string,
): fc.Arbitrary<Written> {
  return fc.tuple(...fields.map(({ kind }) => written(kind, nameOf))).map((values) => ({
    ...joined(values),
    said: Object.fromEntries(values.map(({ said }, i) => [nameOf(fields[i] as Field), said])),
  }));
}

function joined(values: readonly Written[]): Pick<Written, 'octets' | 'places'> {
  let at = 0;
  const places = values.flatMap(({ octets, places: own }) => {
    const from = at;
    at += octets.length;
    return own.map((place) => ({ ...place, at: place.at + from }));
  });
  return { octets: Buffer.concat(values.map(({ octets }) => octets)), places };
}

/** @param at where the value begins in its octets @param length of the value */
function value(octets: Buffer, said: unknown, at = 0, length = octets.length - at): Written {
  return { octets, said, places: [{ at, octets: octets.subarray(at, at + length) }] };
}

const octetsOf = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((octets) => Buffer.from(octets));

function canonical(address: string): string {
  const octets = addressOctets(address);
  if (octets.length === 4) return address;
  return addressText([0, 4, 8, 12].map((at) => octets.readUInt32BE(at)));
}

const ipv4 = octetsOf(4).map((octets) => octets.join('.'));
const ipv6 = octetsOf(16).map((octets) => (octets.toString('hex').match(/.{4}/g) ?? []).join(':'));

function scalar(kind: ScalarKind): fc.Arbitrary<Written> {
  switch (kind) {
    case 'u32':
      return fc.nat(0xffffffff).map((said) => value(words(said), `${said}`));
    case 'i32':
      return fc.integer().map((said) => value(words(said), `${said}`));
    case 'u64':
      return fc
        .bigInt({ min: 0n, max: 2n ** 64n - 1n })
        .map((said) => value(longs(said), `${said}`));
    case 'f32':
      return fc.float({ noNaN: true, noDefaultInfinity: true }).map((said) => {
        const octets = Buffer.alloc(4);
        octets.writeFloatBE(said);
        return { ...value(octets, said), said: octets.readFloatBE() };
      });
    case 'ipv4':
      return ipv4.map((said) => value(addressOctets(said), said));
    case 'ipv6':
      return ipv6.map((said) => value(addressOctets(said), canonical(said)));
    case 'address':
      return fc
        .oneof(fc.constant(''), ipv4, ipv6)
        .map((said) => value(typedAddress(said), said === '' ? '' : canonical(said), 4));
    default:
      return octetScalar(kind);
  }
}

function octetScalar(kind: 'mac' | 'text' | 'octets' | 'uuid'): fc.Arbitrary<Written> {
  switch (kind) {
    case 'mac':
      return octetsOf(6).map((octets) => {
        const said = octets.toString('hex').match(/../g)?.join(':');
        return value(Buffer.concat([octets, Buffer.alloc(2)]), said, 0, 6);
      });
    case 'text':
      return fc.string({ unit: 'binary', maxLength: 20 }).map((text) => {
        const octets = Buffer.from(text);
        return value(opaque(octets), octets.toString().replace(/\0+$/, ''), 4, octets.length);
      });
    case 'octets':
      return fc.uint8Array({ maxLength: 20 }).map((octets) => {
        const said = `0x${Buffer.from(octets).toString('hex')}`;
        return value(opaque(octets), said, 4, octets.length);
      });
    case 'uuid':
      return octetsOf(16).map((octets) =>
        value(octets, octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')),
      );
  }
}

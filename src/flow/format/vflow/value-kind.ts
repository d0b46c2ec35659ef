import type { AbstractType } from '../../elements/element.ts';

/** How a value of so many octets is written. */
export const KIND = {
  hex: 0,
  text: 1,
  boolean: 2,
  unsigned8: 3,
  unsigned16: 4,
  unsigned32: 5,
  unsigned64: 6,
  /** Any other length up to eight. */
  unsigned: 7,
  signed8: 8,
  signed16: 9,
  signed32: 10,
  /** Any other length up to eight. */
  signed: 11,
  float32: 12,
  float64: 13,
  ipv4: 14,
  ipv6: 15,
  mac: 16,
} as const;
export type ValueKind = (typeof KIND)[keyof typeof KIND];

/** Octets of JSON that one of a value makes at most: six when it is escaped. */
const ROOM_PER_OCTET = 6;

/** Octets that a value takes at most as JSON, by kind; those of octets more, for each of them. */
const ROOM: Readonly<Record<ValueKind, number>> = {
  [KIND.hex]: 4,
  [KIND.text]: 2,
  [KIND.boolean]: 5,
  [KIND.unsigned8]: 3,
  [KIND.unsigned16]: 5,
  [KIND.unsigned32]: 10,
  [KIND.unsigned64]: 20,
  [KIND.unsigned]: 20,
  [KIND.signed8]: 4,
  [KIND.signed16]: 6,
  [KIND.signed32]: 11,
  [KIND.signed]: 20,
  [KIND.float32]: 16,
  [KIND.float64]: 25,
  [KIND.ipv4]: 17,
  [KIND.ipv6]: 41,
  [KIND.mac]: 19,
};

/** Octets that a value of so many octets takes at most as JSON. */
export function valueRoom(kind: ValueKind, length: number): number {
  const room = ROOM[kind];
  return kind === KIND.hex || kind === KIND.text ? room + length * ROOM_PER_OCTET : room;
}

/** The same, of whatever kind it is. */
export function anyValueRoom(length: number): number {
  return 41 + length * ROOM_PER_OCTET;
}

/**
 * Numbers may be shorter than their type (reduced-size encoding, RFC 7011 section 6.2), and v9 exporters have longer
 * ones too: what counts is how long they are. What has a length that its type cannot have is octets.
 */
export function valueKind(type: AbstractType | undefined, length: number): ValueKind {
  switch (type) {
    case 'unsigned8':
    case 'unsigned16':
    case 'unsigned32':
    case 'unsigned64':
    case 'dateTimeSeconds':
    case 'dateTimeMilliseconds':
    case 'dateTimeMicroseconds':
    case 'dateTimeNanoseconds':
      return unsignedKind(length);
    case 'signed8':
    case 'signed16':
    case 'signed32':
    case 'signed64':
      return signedKind(length);
    case 'float32':
    case 'float64':
      return length === 4 ? KIND.float32 : length === 8 ? KIND.float64 : KIND.hex;
    case 'ipv4Address':
    case 'ipv6Address':
      return length === 4 ? KIND.ipv4 : length === 16 ? KIND.ipv6 : KIND.hex;
    case 'boolean':
      return length === 1 ? KIND.boolean : KIND.hex;
    case 'macAddress':
      return length === 6 ? KIND.mac : KIND.hex;
    case 'string':
      return KIND.text;
    default:
      return KIND.hex;
  }
}

function unsignedKind(length: number): ValueKind {
  switch (length) {
    case 1:
      return KIND.unsigned8;
    case 2:
      return KIND.unsigned16;
    case 4:
      return KIND.unsigned32;
    case 8:
      return KIND.unsigned64;
    default:
      return length > 0 && length < 8 ? KIND.unsigned : KIND.hex;
  }
}

function signedKind(length: number): ValueKind {
  switch (length) {
    case 1:
      return KIND.signed8;
    case 2:
      return KIND.signed16;
    case 4:
      return KIND.signed32;
    default:
      return length > 0 && length <= 8 ? KIND.signed : KIND.hex;
  }
}

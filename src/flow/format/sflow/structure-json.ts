/** Records of sFlow as JSON, by their description in the catalogue. */
import { shortAt, wordAt } from '../../decode/bytes/words.ts';
import type { Field, ScalarKind, Structure } from '../../decode/sflow/structures/structure.ts';
import { putDotted, putIpv6, putMac, putUint, putUint64 } from '../digits.ts';
import { type Literal, makeLiteral, OVERRUN, putLiteral } from '../literal.ts';
import * as values from '../vflow/values.ts';
import type { TextOutput } from './growing-buffer.ts';

/** Octets of numbers and addresses in text, with quotes. */
const VALUE_ROOM = 64;
/** Octets that one octet of a text can become: \u001f. */
const ESCAPED = 6;

interface FieldPlan {
  /** A comma where one is due, and the key. */
  readonly before: Literal;
  readonly kind: ScalarKind | 'list';
  /** Of lists: what each of their elements is. */
  readonly element?: ScalarKind | StructurePlan;
}

export type StructurePlan = readonly FieldPlan[];

/**
 * Plans how a structure is written.
 *
 * @param nameOf which name of a field is its key
 * @param follows whether other fields come before its first
 */
export function planStructure(
  { fields }: Pick<Structure, 'fields'>,
  nameOf: (field: Field) => string,
  { follows = false } = {},
): StructurePlan {
  return fields.map((field, i) => {
    const before = makeLiteral(
      `${i === 0 && !follows ? '' : ','}${JSON.stringify(nameOf(field))}:`,
    );
    const { kind } = field;
    if (typeof kind === 'string') return { before, kind };
    const { list } = kind;
    const element = typeof list === 'string' ? list : planStructure({ fields: list }, nameOf);
    return { before, kind: 'list', element };
  });
}

/**
 * Writes the fields of a structure that are there, from the first that is whole to the last, without braces.
 *
 * @returns the offset of what follows the structure; -1 when it is cut
 */
export function putStructure(
  out: TextOutput,
  plan: StructurePlan,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let at = start;
  for (const field of plan) {
    const length = field.kind === 'list' ? 4 : scalarLength(field.kind, bytes, at, end);
    if (length > end - at) return -1;
    putKey(out, field.before);
    if (field.kind === 'list') {
      at = putList(out, field.element as ScalarKind | StructurePlan, bytes, at, end);
      if (at < 0) return -1;
    } else {
      putScalar(out, field.kind, bytes, at);
      at += length;
    }
  }
  return at;
}

function putKey(out: TextOutput, key: Literal): void {
  out.at = putLiteral(out.ensure(key.length + OVERRUN), out.at, key);
}

/** Writes one character. */
export function putCharacter(out: TextOutput, character: number): void {
  out.ensure(1).setUint8(out.at++, character);
}

const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** @returns as `putStructure` */
function putList(
  out: TextOutput,
  element: ScalarKind | StructurePlan,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const count = wordAt(bytes, start);
  let at = start + 4;
  putCharacter(out, OPEN_LIST);
  for (let i = 0; i < count && at >= 0; i++) {
    // Every element takes room: a count that is not true ends with what is there.
    if (at === end) at = -1;
    else at = putElement(out, element, bytes, at, end, i > 0);
  }
  putCharacter(out, CLOSE_LIST);
  return at;
}

function putElement(
  out: TextOutput,
  element: ScalarKind | StructurePlan,
  bytes: Uint8Array,
  at: number,
  end: number,
  isNext: boolean,
): number {
  if (typeof element === 'string') {
    const length = scalarLength(element, bytes, at, end);
    if (length > end - at) return -1;
    if (isNext) putCharacter(out, COMMA);
    putScalar(out, element, bytes, at);
    return at + length;
  }
  if (isNext) putCharacter(out, COMMA);
  putCharacter(out, OPEN_OBJECT);
  const next = putStructure(out, element, bytes, at, end);
  putCharacter(out, CLOSE_OBJECT);
  return next;
}

/** Octets that a value takes, padding included; more than there are when it is cut, or of an unknown type. */
function scalarLength(kind: ScalarKind, bytes: Uint8Array, at: number, end: number): number {
  switch (kind) {
    case 'u32':
    case 'i32':
    case 'f32':
    case 'ipv4':
      return 4;
    case 'u64':
    case 'mac':
      return 8;
    case 'ipv6':
    case 'uuid':
      return 16;
    case 'address':
      return end - at < 4 ? 4 : (ADDRESS_LENGTHS[wordAt(bytes, at)] ?? Number.POSITIVE_INFINITY);
    case 'text':
    case 'octets':
      return end - at < 4 ? 4 : 4 + Math.ceil(wordAt(bytes, at) / 4) * 4;
  }
}

/** With the type before it. */
const ADDRESS_LENGTHS: readonly number[] = [4, 8, 20];

/** Writes a value that is there. */
function putScalar(out: TextOutput, kind: ScalarKind, bytes: Uint8Array, at: number): void {
  switch (kind) {
    case 'u32':
      out.at = putUint(out.ensure(VALUE_ROOM), out.at, wordAt(bytes, at));
      break;
    case 'u64':
      out.at = putUint64(out.ensure(VALUE_ROOM), out.at, wordAt(bytes, at), wordAt(bytes, at + 4));
      break;
    case 'i32':
      out.at = values.putInt(out.ensure(VALUE_ROOM), out.at, wordAt(bytes, at) | 0);
      break;
    case 'f32':
      out.at = values.putFloat(out.ensure(VALUE_ROOM), out.at, floatAt(bytes, at), 32);
      break;
    case 'text':
    case 'octets':
      putOctets(out, kind, bytes, at + 4, at + 4 + wordAt(bytes, at));
      break;
    default:
      putQuoted(out, kind, bytes, at);
  }
}

const float = new DataView(new ArrayBuffer(4));

function floatAt(bytes: Uint8Array, at: number): number {
  float.setUint32(0, wordAt(bytes, at));
  return float.getFloat32(0);
}

function putOctets(
  out: TextOutput,
  kind: 'text' | 'octets',
  bytes: Uint8Array,
  from: number,
  to: number,
): void {
  const view = out.ensure((to - from) * ESCAPED + VALUE_ROOM);
  out.at =
    kind === 'text'
      ? values.putText(view, out.at, bytes, from, to)
      : values.putHex(view, out.at, bytes, from, to);
}

function putQuoted(
  out: TextOutput,
  kind: 'ipv4' | 'ipv6' | 'address' | 'mac' | 'uuid',
  bytes: Uint8Array,
  at: number,
): void {
  switch (kind) {
    case 'ipv4':
      putAddress(out, 1, bytes, at);
      break;
    case 'ipv6':
      putAddress(out, 2, bytes, at);
      break;
    case 'address':
      putAddress(out, wordAt(bytes, at), bytes, at + 4);
      break;
    case 'mac':
      putMacAddress(out, bytes, at);
      break;
    case 'uuid':
      putUuid(out, bytes, at);
  }
}

const words = new Uint32Array(4);
const QUOTE = 0x22;

/** Writes an address as a string, an empty one for none. @param type 1 IPv4, 2 IPv6, 0 none */
export function putAddress(out: TextOutput, type: number, bytes: Uint8Array, at: number): void {
  const view = out.ensure(VALUE_ROOM);
  view.setUint8(out.at++, QUOTE);
  if (type === 1) out.at = putDotted(view, out.at, wordAt(bytes, at));
  if (type === 2) {
    for (let word = 0; word < 4; word++) words[word] = wordAt(bytes, at + word * 4);
    out.at = putIpv6(view, out.at, words, 0);
  }
  view.setUint8(out.at++, QUOTE);
}

/** Writes a MAC address as a string. */
export function putMacAddress(out: TextOutput, bytes: Uint8Array, at: number): void {
  const view = out.ensure(VALUE_ROOM);
  view.setUint8(out.at++, QUOTE);
  out.at = putMac(view, out.at, shortAt(bytes, at), wordAt(bytes, at + 2));
  view.setUint8(out.at++, QUOTE);
}

/** As RFC 9562 has it. */
function putUuid(out: TextOutput, bytes: Uint8Array, at: number): void {
  const hex = Buffer.from(bytes.subarray(at, at + 16)).toString('hex');
  const parts = [8, 12, 16, 20].map((to, i) => hex.slice([0, 8, 12, 16][i], to));
  const text = makeLiteral(`"${parts.join('-')}-${hex.slice(20)}"`);
  out.at = putLiteral(out.ensure(VALUE_ROOM), out.at, text);
}

/**
 * One loop for each kind of value that is frequent: writes a field of all records of a block, behind what was written
 * of each. They look alike, and are apart so that each has one way to write: then they are fast.
 */
import type { RecordSet } from '../../decode/template.ts';
import { VARIABLE_LENGTH, variableEnd, variableStart } from '../../decode/template.ts';
import { putUint, putUint64 } from '../digits.ts';
import { type Literal, putLiteral } from '../literal.ts';
import { putValue } from './put-value.ts';
import type { PlannedField } from './record-plan.ts';
import { KIND, valueKind } from './value-kind.ts';
import { putIpv4Text } from './values.ts';

/** Records that are written together. */
export interface Block {
  out: DataView;
  /** Where the next octet of each record goes. */
  readonly next: Uint32Array;
  set: RecordSet;
  /** Which record of the set is the first, and how many there are. */
  first: number;
  count: number;
}

export type FieldKernel = (block: Block, field: PlannedField) => void;

export function kernelOf({ kind, length }: PlannedField): FieldKernel {
  if (length === VARIABLE_LENGTH) return writeVariable;
  switch (kind) {
    case KIND.unsigned8:
      return writeUnsigned8;
    case KIND.unsigned16:
      return writeUnsigned16;
    case KIND.unsigned32:
      return writeUnsigned32;
    case KIND.unsigned64:
      return writeUnsigned64;
    case KIND.ipv4:
      return writeIpv4;
    default:
      return writeFixed;
  }
}

function writeUnsigned8({ out, next, set, first, count }: Block, field: PlannedField): void {
  const { before, run, offset } = field;
  const { bytes, positions, stride } = set;
  const row = run * stride + first;
  for (let i = 0; i < count; i++) {
    const at = putShortLiteral(out, next[i] as number, before);
    next[i] = putUint(out, at, bytes[(positions[row + i] as number) + offset] as number);
  }
}

function writeUnsigned16({ out, next, set, first, count }: Block, field: PlannedField): void {
  const { before, run, offset } = field;
  const { view, positions, stride } = set;
  const row = run * stride + first;
  for (let i = 0; i < count; i++) {
    const at = putShortLiteral(out, next[i] as number, before);
    next[i] = putUint(out, at, view.getUint16((positions[row + i] as number) + offset));
  }
}

function writeUnsigned32({ out, next, set, first, count }: Block, field: PlannedField): void {
  const { before, run, offset } = field;
  const { view, positions, stride } = set;
  const row = run * stride + first;
  for (let i = 0; i < count; i++) {
    const at = putShortLiteral(out, next[i] as number, before);
    next[i] = putUint(out, at, view.getUint32((positions[row + i] as number) + offset));
  }
}

function writeUnsigned64({ out, next, set, first, count }: Block, field: PlannedField): void {
  const { before, run, offset } = field;
  const { view, positions, stride } = set;
  const row = run * stride + first;
  for (let i = 0; i < count; i++) {
    const at = putShortLiteral(out, next[i] as number, before);
    const from = (positions[row + i] as number) + offset;
    next[i] = putUint64(out, at, view.getUint32(from), view.getUint32(from + 4));
  }
}

function writeIpv4({ out, next, set, first, count }: Block, field: PlannedField): void {
  const { before, run, offset } = field;
  const { view, positions, stride } = set;
  const row = run * stride + first;
  for (let i = 0; i < count; i++) {
    const at = putShortLiteral(out, next[i] as number, before);
    next[i] = putIpv4Text(out, at, view.getUint32((positions[row + i] as number) + offset));
  }
}

function writeFixed({ out, next, set, first, count }: Block, field: PlannedField): void {
  const { before, run, offset, kind, length } = field;
  const { positions, stride } = set;
  const row = run * stride + first;
  for (let i = 0; i < count; i++) {
    const at = putLiteral(out, next[i] as number, before);
    next[i] = putValue(out, at, kind, set, (positions[row + i] as number) + offset, length);
  }
}

function writeVariable({ out, next, set, first, count }: Block, field: PlannedField): void {
  const { before, run, offset, type } = field;
  const { bytes, positions, stride } = set;
  const row = run * stride + first;
  for (let i = 0; i < count; i++) {
    const at = putLiteral(out, next[i] as number, before);
    const length = (positions[row + i] as number) + offset;
    const from = variableStart(bytes, length);
    const octets = variableEnd(bytes, length) - from;
    next[i] = putValue(out, at, valueKind(type, octets), set, from, octets);
  }
}

/** putLiteral for the two words that most need. */
function putShortLiteral(out: DataView, at: number, literal: Literal): number {
  const { a, b, length } = literal;
  if (length > 16) return putLiteral(out, at, literal);
  out.setFloat64(at, a, true);
  out.setFloat64(at + 8, b, true);
  return at + length;
}

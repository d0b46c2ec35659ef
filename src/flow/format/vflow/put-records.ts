import type { RecordSet } from '../../decode/template.ts';
import { VARIABLE_LENGTH, variableEnd } from '../../decode/template.ts';
import { OVERRUN, putLiteral } from '../literal.ts';
import type { Block } from './field-kernels.ts';
import type { MessageBuffer } from './message-buffer.ts';
import type { RecordPlan } from './record-plan.ts';
import { anyValueRoom } from './value-kind.ts';

/** Records that are written together, and octets of room after which no further one joins them. */
const BLOCK_RECORDS = 32;
const BLOCK_ROOM = 256 * 1024;

const starts = new Uint32Array(BLOCK_RECORDS);
const block: Block = {
  out: new DataView(new ArrayBuffer(0)),
  next: new Uint32Array(BLOCK_RECORDS),
  set: undefined as unknown as RecordSet,
  first: 0,
  count: 0,
};

/**
 * Writes records from `first` on, each with a comma before it, field by field: each gets the room that it takes at
 * most, and then they are moved together.
 *
 * @param more whether there are records before it in the message: else the first has no comma
 * @returns how many were written: at least one
 */
export function putRecords(
  buffer: MessageBuffer,
  plan: RecordPlan,
  set: RecordSet,
  first: number,
  more: boolean,
): number {
  const count = layOut(buffer, plan, set, first);
  const { fields, kernels } = plan;
  for (let f = 0; f < fields.length; f++) {
    (kernels[f] as (typeof kernels)[number])(block, fields[f] as (typeof fields)[number]);
  }
  moveTogether(buffer, plan, more);
  buffer.records += count;
  return count;
}

/** Gives records their room. */
function layOut(buffer: MessageBuffer, plan: RecordPlan, set: RecordSet, first: number): number {
  const most = Math.min(BLOCK_RECORDS, set.count - first);
  const begin = buffer.at;
  let at = begin;
  let count = 0;
  do {
    starts[count] = at;
    block.next[count] = at;
    at += recordRoom(plan, set, first + count) + OVERRUN;
    count++;
  } while (count < most && at - begin < BLOCK_ROOM);
  block.out = buffer.ensure(at - begin);
  block.set = set;
  block.first = first;
  block.count = count;
  return count;
}

function moveTogether(buffer: MessageBuffer, { after }: RecordPlan, more: boolean): void {
  const { out, next, count } = block;
  let { at } = buffer;
  for (let i = 0; i < count; i++) {
    const end = putLiteral(out, next[i] as number, after);
    // The comma is the first octet of each.
    const start = (starts[i] as number) + (i === 0 && !more ? 1 : 0);
    if (start > at) buffer.bytes.copyWithin(at, start, end);
    at += end - start;
  }
  buffer.at = at;
}

/** Octets that record i takes at most. */
function recordRoom({ fields, room, variable }: RecordPlan, set: RecordSet, i: number): number {
  if (!variable) return room;
  let octets = room;
  for (const { length, run, offset } of fields) {
    if (length !== VARIABLE_LENGTH) continue;
    const at = (set.positions[run * set.stride + i] as number) + offset;
    octets += anyValueRoom(variableEnd(set.bytes, at) - at);
  }
  return octets;
}

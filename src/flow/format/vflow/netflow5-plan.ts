import type { AbstractType } from '../../elements/element.ts';
import { makePlan, type RecordPlan } from './record-plan.ts';

/** A record of NetFlow v5: its 48 octets in their order, with the keys that vFlow has. */
const FIELDS: readonly (readonly [key: string, octets: number, type: AbstractType])[] = [
  ['SrcAddr', 4, 'ipv4Address'],
  ['DstAddr', 4, 'ipv4Address'],
  ['NextHop', 4, 'ipv4Address'],
  ['Input', 2, 'unsigned16'],
  ['Output', 2, 'unsigned16'],
  ['PktCount', 4, 'unsigned32'],
  ['L3Octets', 4, 'unsigned32'],
  ['StartTime', 4, 'unsigned32'],
  ['EndTime', 4, 'unsigned32'],
  ['SrcPort', 2, 'unsigned16'],
  ['DstPort', 2, 'unsigned16'],
  ['Padding1', 1, 'unsigned8'],
  ['TCPFlags', 1, 'unsigned8'],
  ['ProtType', 1, 'unsigned8'],
  ['Tos', 1, 'unsigned8'],
  ['SrcAsNum', 2, 'unsigned16'],
  ['DstAsNum', 2, 'unsigned16'],
  ['SrcMask', 1, 'unsigned8'],
  ['DstMask', 1, 'unsigned8'],
  ['Padding2', 2, 'unsigned16'],
];

/** How records of NetFlow v5 are written: as objects. */
export const NETFLOW5_PLAN: RecordPlan = plan();

function plan(): RecordPlan {
  let offset = 0;
  const fields = FIELDS.map(([key, length, type], i) => {
    const field = { text: `${i === 0 ? ',{' : ','}"${key}":`, length, run: 0, offset, type };
    offset += length;
    return field;
  });
  return makePlan(fields, '}', false);
}

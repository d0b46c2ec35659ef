import type { Template } from './template.ts';
import { parseTemplate } from './template-parser.ts';

export const NETFLOW5_HEADER = 24;
export const NETFLOW5_RECORD = 48;

/** NetFlow v9 types and octets of a v5 record, in its order; 0 where it has nothing that has a type. */
const FIELDS = [
  [8, 4], // source address
  [12, 4], // destination address
  [15, 4], // next hop
  [10, 2], // input interface
  [14, 2], // output interface
  [2, 4], // packets
  [1, 4], // octets
  [22, 4], // uptime at the first packet
  [21, 4], // uptime at the last packet
  [7, 2], // source port
  [11, 2], // destination port
  [0, 1], // padding
  [6, 1], // TCP flags
  [4, 1], // protocol
  [5, 1], // type of service
  [16, 2], // source AS
  [17, 2], // destination AS
  [9, 1], // source prefix length
  [13, 1], // destination prefix length
  [0, 2], // padding
] as const;

/** The records of NetFlow v5, as if a template had said so. */
export const NETFLOW5_TEMPLATE: Template = {
  ...parseTemplate(
    Uint8Array.from([
      0,
      0,
      0,
      FIELDS.length,
      ...FIELDS.flatMap(([type, length]) => [0, type, 0, length]),
    ]),
    'netflow9',
  ),
  version: 5,
};

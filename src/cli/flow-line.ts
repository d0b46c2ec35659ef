/** How `floxy flows` shows a record: a line of columns that stay where they are. */
import { withoutControls } from '../base/text.ts';
import { shortCount } from './units.ts';

/** A record of the format `json`; what is unknown is absent. */
export interface FlowRecord {
  readonly time_flow_end?: string;
  readonly time_received?: string;
  readonly sampler_address?: string;
  readonly sampler_name?: string;
  readonly proto?: number;
  readonly src_addr?: string;
  readonly dst_addr?: string;
  readonly src_port?: number;
  readonly dst_port?: number;
  readonly in_if?: number;
  readonly out_if?: number;
  readonly in_if_name?: string;
  readonly out_if_name?: string;
  readonly packets?: number;
  readonly bytes?: number;
  readonly sampling_rate?: number;
}

/** IP protocols by the names that people use. */
export const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  icmp6: 58,
  ospf: 89,
  sctp: 132,
};

const NAMES = new Map(Object.entries(PROTOCOL_NUMBERS).map(([name, number]) => [number, name]));

const WIDTHS = [8, 15, 5, 21, 21, 9, 9, 0];

export const FLOW_HEAD = line([
  ...['TIME', 'EXPORTER', 'PROTO', 'SOURCE', 'DESTINATION', 'PACKETS', 'BYTES', 'INTERFACES'],
]);

/** Longer values push the others to the right. What exporters have sent cannot steer the terminal. */
export function flowLine(record: FlowRecord): string {
  const { proto = 0, packets = 0, bytes = 0, sampling_rate: rate = 1 } = record;
  const sampled = rate > 1 ? `  1:${rate}` : '';
  return line([
    timeOf(record.time_received ?? record.time_flow_end),
    record.sampler_name || record.sampler_address || '',
    NAMES.get(proto) ?? String(proto),
    endpoint(record.src_addr, record.src_port),
    endpoint(record.dst_addr, record.dst_port),
    shortCount(packets),
    shortCount(bytes),
    `${interfaceOf(record.in_if_name, record.in_if)} → ${interfaceOf(record.out_if_name, record.out_if)}${sampled}`,
  ]);
}

function line(cells: readonly string[]): string {
  const padded = cells.map((cell, i) => {
    const width = WIDTHS[i] ?? 0;
    const isNumber = i === 5 || i === 6;
    return isNumber ? cell.padStart(width) : cell.padEnd(width);
  });
  return `${withoutControls(padded.join('  ')).trimEnd()}\n`;
}

function timeOf(rfc3339: string | undefined): string {
  return rfc3339?.slice(11, 19) ?? '';
}

function endpoint(address = '', port?: number): string {
  if (port === undefined || address === '') return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function interfaceOf(name: string | undefined, index: number | undefined): string {
  return name || (index === undefined ? '-' : String(index));
}

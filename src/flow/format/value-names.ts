import { type COLUMNS, FLOW_TYPE } from '../model/columns.ts';

type Names = Readonly<Record<number, string>>;

/** What values are called; the names are those of goflow2. */
const TYPE_NAMES: Names = {
  [FLOW_TYPE.sflow]: 'SFLOW_5',
  [FLOW_TYPE.netflow5]: 'NETFLOW_V5',
  [FLOW_TYPE.netflow9]: 'NETFLOW_V9',
  [FLOW_TYPE.ipfix]: 'IPFIX',
};

/** Columns whose values have names when the user asks for them. */
const PROTOCOL_NAMES: ReadonlyMap<string, Names> = new Map<(typeof COLUMNS)[number]['key'], Names>([
  ['etype', { 2054: 'ARP', 2048: 'IPv4', 34525: 'IPv6' }],
  ['proto', { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6', 132: 'SCTP' }],
]);

/** The names of a column's values, in formats that are text. */
export function valueNames(key: string, protocolNames: boolean): Names | undefined {
  if (key === 'type') return TYPE_NAMES;
  return protocolNames ? PROTOCOL_NAMES.get(key) : undefined;
}

import { COLUMNS, type Column } from '../model/columns.ts';
import { columnName } from './columns.ts';

type ColumnKey = (typeof COLUMNS)[number]['key'];

/** A field of the message: its number, and what it is called where that is not the name of the column. */
interface Field {
  readonly number: number;
  readonly name?: string;
  /** Its type, where that is not the usual one of its kind. */
  readonly type?: string;
  /** A list of one, packed. */
  readonly repeated?: true;
}

/**
 * Fields of goflow2's FlowMessage (pb/flow.proto) by column. From 2001 on they are ours, and numbers 39, 40 and 42 are
 * those that FlowMessage had for the same before version 2: its consumers skip what they do not know.
 */
export const PROTOBUF_FIELDS: Readonly<Record<ColumnKey, Field>> = {
  type: { number: 1 },
  timeReceived: { number: 110, name: 'time_received_ns' },
  sequenceNum: { number: 4 },
  samplingRate: { number: 3, type: 'uint64' },
  samplerAddress: { number: 11 },
  samplerPort: { number: 2001 },
  observationDomainId: { number: 70 },
  observationPointId: { number: 71 },
  timeFlowStart: { number: 111, name: 'time_flow_start_ns' },
  timeFlowEnd: { number: 112, name: 'time_flow_end_ns' },
  bytes: { number: 9 },
  packets: { number: 10 },
  srcAddr: { number: 6 },
  dstAddr: { number: 7 },
  etype: { number: 30 },
  proto: { number: 20 },
  srcPort: { number: 21 },
  dstPort: { number: 22 },
  inIf: { number: 18 },
  outIf: { number: 19 },
  srcMac: { number: 27 },
  dstMac: { number: 28 },
  srcVlan: { number: 33 },
  dstVlan: { number: 34 },
  vlanId: { number: 29 },
  ipTos: { number: 23 },
  forwardingStatus: { number: 24 },
  ipTtl: { number: 25 },
  ipFlags: { number: 38 },
  tcpFlags: { number: 26 },
  icmpType: { number: 31 },
  icmpCode: { number: 32 },
  ipv6FlowLabel: { number: 37 },
  fragmentId: { number: 35 },
  fragmentOffset: { number: 36 },
  srcAs: { number: 14 },
  dstAs: { number: 15 },
  nextHop: { number: 12 },
  nextHopAs: { number: 13 },
  bgpNextHop: { number: 100 },
  srcNet: { number: 16 },
  dstNet: { number: 17 },
  direction: { number: 42, name: 'flow_direction' },
  mplsLabel: { number: 81, repeated: true },
  ingressVrf: { number: 39, name: 'ingress_vrf_id' },
  egressVrf: { number: 40, name: 'egress_vrf_id' },
  postNatSrcAddr: { number: 2002 },
  postNatDstAddr: { number: 2003 },
  postNatSrcPort: { number: 2004 },
  postNatDstPort: { number: 2005 },
  samplerName: { number: 2006 },
  inIfName: { number: 2007 },
  outIfName: { number: 2008 },
  srcCountry: { number: 2009 },
  dstCountry: { number: 2010 },
  estimatedBytes: { number: 2011 },
  estimatedPackets: { number: 2012 },
};

/** The first number of columns of the user's mapping, which follow in its order. */
const FIRST_EXTRA = 3001;

/** The field of a column. @param extraColumns those of the user's mapping */
export function protobufField(column: Column, extraColumns: readonly Column[]): Field {
  const extra = extraColumns.indexOf(column);
  if (extra >= 0) return { number: FIRST_EXTRA + extra };
  return PROTOBUF_FIELDS[column.key as ColumnKey];
}

/** The message for consumers, in the language of protobuf. */
export function protobufSchema(extraColumns: readonly Column[] = []): string {
  const fields = [...COLUMNS, ...extraColumns].map((column) => {
    const {
      number,
      name = columnName(column.key),
      type = TYPES[column.kind],
      repeated,
    } = protobufField(column, extraColumns);
    const label = repeated ? 'repeated ' : '';
    return `  // ${column.meaning}\n  ${label}${type} ${name} = ${number};\n`;
  });
  return `syntax = "proto3";\npackage flowpb;\n\nmessage FlowMessage {\n${fields.join('')}}\n`;
}

const TYPES: Readonly<Record<Column['kind'], string>> = {
  u8: 'uint32',
  u16: 'uint32',
  u32: 'uint32',
  u64: 'uint64',
  time: 'uint64',
  address: 'bytes',
  mac: 'uint64',
  text: 'string',
};

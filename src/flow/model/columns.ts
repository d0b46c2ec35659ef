/**
 * The columns of decoded flow: each is described here once. Batches, flat formats, ClickHouse tables and documents
 * follow. Names are those of goflow2's FlowMessage where it has the same thing.
 *
 * Kinds, and what a batch has of each (flow-batch.ts):
 * - `u8`, `u16`, `u32`: one number.
 * - `u64`: two words, `high` and `low`: never a BigInt in a loop.
 * - `time`: milliseconds of the Unix epoch with a fraction, exact to the microsecond; 0 when unknown.
 * - `address`: four words, the first octet is the highest of the first; IPv4 as ::ffff:a.b.c.d, `::` when unknown.
 * - `mac`: two words: `high` has the first two octets, `low` the other four.
 * - `text`: index into the texts of the batch, 0 is the empty one.
 */
export type ColumnKind = 'u8' | 'u16' | 'u32' | 'u64' | 'time' | 'address' | 'mac' | 'text';

export interface Column {
  /** In snake_case the name in flat JSON, CSV and ClickHouse. */
  readonly key: string;
  readonly kind: ColumnKind;
  /** What it says, with its unit. */
  readonly meaning: string;
}

export const COLUMNS = [
  { key: 'type', kind: 'u8', meaning: 'protocol: 1 sFlow v5, 2 NetFlow v5, 3 NetFlow v9, 4 IPFIX' },
  { key: 'timeReceived', kind: 'time', meaning: 'when the datagram was received' },
  {
    key: 'sequenceNum',
    kind: 'u32',
    meaning: 'sequence number of the datagram, as its header has it',
  },
  {
    key: 'samplingRate',
    kind: 'u32',
    meaning: 'one in so many packets was looked at; 0 when unknown',
  },
  {
    key: 'samplerAddress',
    kind: 'address',
    meaning: 'the exporter: source of the datagram, or sFlow agent address',
  },
  { key: 'samplerPort', kind: 'u16', meaning: 'UDP source port of the datagram' },
  {
    key: 'observationDomainId',
    kind: 'u32',
    meaning: 'IPFIX observation domain, v9 source id, v5 engine type and id, sFlow sub-agent',
  },
  { key: 'observationPointId', kind: 'u32', meaning: 'IPFIX observationPointId (138)' },
  { key: 'timeFlowStart', kind: 'time', meaning: 'first packet of the flow' },
  { key: 'timeFlowEnd', kind: 'time', meaning: 'last packet of the flow' },
  {
    key: 'bytes',
    kind: 'u64',
    meaning: 'octets, as reported: not multiplied by the sampling rate',
  },
  { key: 'packets', kind: 'u64', meaning: 'packets, as reported' },
  { key: 'srcAddr', kind: 'address', meaning: 'source address of the flow' },
  { key: 'dstAddr', kind: 'address', meaning: 'destination address of the flow' },
  { key: 'etype', kind: 'u16', meaning: 'EtherType: 0x800 IPv4, 0x86dd IPv6' },
  { key: 'proto', kind: 'u8', meaning: 'IP protocol' },
  { key: 'srcPort', kind: 'u16', meaning: 'source port' },
  { key: 'dstPort', kind: 'u16', meaning: 'destination port' },
  { key: 'inIf', kind: 'u32', meaning: 'interface index, in' },
  { key: 'outIf', kind: 'u32', meaning: 'interface index, out' },
  { key: 'srcMac', kind: 'mac', meaning: 'source MAC address' },
  { key: 'dstMac', kind: 'mac', meaning: 'destination MAC address' },
  { key: 'srcVlan', kind: 'u16', meaning: 'VLAN, in' },
  { key: 'dstVlan', kind: 'u16', meaning: 'VLAN, out' },
  { key: 'vlanId', kind: 'u16', meaning: 'VLAN of the sampled packet' },
  { key: 'ipTos', kind: 'u8', meaning: 'type of service, traffic class' },
  { key: 'forwardingStatus', kind: 'u8', meaning: 'forwardingStatus (89, RFC 7270)' },
  { key: 'ipTtl', kind: 'u8', meaning: 'TTL, hop limit' },
  { key: 'ipFlags', kind: 'u8', meaning: 'flags of the IPv4 header: 2 DF, 1 MF' },
  { key: 'tcpFlags', kind: 'u16', meaning: 'TCP flags, of all packets of the flow' },
  { key: 'icmpType', kind: 'u8', meaning: 'ICMP or ICMPv6 type' },
  { key: 'icmpCode', kind: 'u8', meaning: 'ICMP or ICMPv6 code' },
  { key: 'ipv6FlowLabel', kind: 'u32', meaning: 'IPv6 flow label' },
  { key: 'fragmentId', kind: 'u32', meaning: 'fragment identification' },
  { key: 'fragmentOffset', kind: 'u16', meaning: 'fragment offset, in units of eight octets' },
  { key: 'srcAs', kind: 'u32', meaning: 'AS of the source' },
  { key: 'dstAs', kind: 'u32', meaning: 'AS of the destination' },
  { key: 'nextHop', kind: 'address', meaning: 'next hop' },
  { key: 'nextHopAs', kind: 'u32', meaning: 'AS of the next hop' },
  { key: 'bgpNextHop', kind: 'address', meaning: 'BGP next hop' },
  { key: 'srcNet', kind: 'u8', meaning: 'prefix length of the source' },
  { key: 'dstNet', kind: 'u8', meaning: 'prefix length of the destination' },
  { key: 'direction', kind: 'u8', meaning: 'flowDirection (61): 0 ingress, 1 egress' },
  { key: 'mplsLabel', kind: 'u32', meaning: 'outermost MPLS label' },
  { key: 'ingressVrf', kind: 'u32', meaning: 'ingressVRFID (234)' },
  { key: 'egressVrf', kind: 'u32', meaning: 'egressVRFID (235)' },
  { key: 'postNatSrcAddr', kind: 'address', meaning: 'source address after NAT (225, 281)' },
  { key: 'postNatDstAddr', kind: 'address', meaning: 'destination address after NAT (226, 282)' },
  { key: 'postNatSrcPort', kind: 'u16', meaning: 'source port after NAT (227)' },
  { key: 'postNatDstPort', kind: 'u16', meaning: 'destination port after NAT (228)' },
  { key: 'samplerName', kind: 'text', meaning: 'name of the exporter' },
  { key: 'inIfName', kind: 'text', meaning: 'name of the interface, in' },
  { key: 'outIfName', kind: 'text', meaning: 'name of the interface, out' },
  { key: 'srcCountry', kind: 'text', meaning: 'ISO 3166-1 code of the country of the source' },
  { key: 'dstCountry', kind: 'text', meaning: 'ISO 3166-1 code of the country of the destination' },
  {
    key: 'estimatedBytes',
    kind: 'u64',
    meaning: 'octets, multiplied by the sampling rate where it is known',
  },
  {
    key: 'estimatedPackets',
    kind: 'u64',
    meaning: 'packets, multiplied by the sampling rate where it is known',
  },
] as const satisfies readonly Column[];

/** Values of column `type`: goflow2's. */
export const FLOW_TYPE = { sflow: 1, netflow5: 2, netflow9: 3, ipfix: 4 } as const;

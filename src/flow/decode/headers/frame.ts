import type { FlowBatch } from '../../model/flow-batch.ts';

/** The columns that headers of packets go to. */
export type Columns = FlowBatch['columns'];

/** The header of a sampled packet while it is parsed: one object serves for all. Nothing is read from `end` on. */
export interface Frame {
  bytes: Uint8Array;
  /** Where the next layer begins; may lie behind `end` when that layer is cut off. */
  at: number;
  end: number;
  /** The row of the columns that it goes to. */
  row: number;
}

export const ETHER_TYPE = {
  ipv4: 0x0800,
  vlan: 0x8100,
  ipv6: 0x86dd,
  pppoe: 0x8864,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  providerVlan: 0x88a8,
  oldProviderVlan: 0x9100,
  oldProviderVlan2: 0x9200,
  /** Transparent Ethernet bridging: in GRE and Geneve a whole Ethernet frame follows. */
  ethernet: 0x6558,
} as const;

export const IP_PROTOCOL = {
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  icmpv6: 58,
  sctp: 132,
  udpLite: 136,
} as const;

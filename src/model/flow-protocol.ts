/**
 * What the first bytes of a payload say that it is: the version word of NetFlow and IPFIX (16 bits), or of sFlow
 * (32 bits). In the order of enum notes_protocol (native/include/notes.h).
 */
export const FLOW_PROTOCOLS = [
  'OTHER',
  'NETFLOW_V1',
  'NETFLOW_V5',
  'NETFLOW_V7',
  'NETFLOW_V9',
  'IPFIX',
  'SFLOW_V5',
] as const;

export type FlowProtocol = (typeof FLOW_PROTOCOLS)[number];

/** Abstract data types of information elements (RFC 7012, section 3.1; RFC 6313; unsigned256 of RFC 9740). */
export const ABSTRACT_TYPES = [
  'octetArray',
  'unsigned8',
  'unsigned16',
  'unsigned32',
  'unsigned64',
  'unsigned256',
  'signed8',
  'signed16',
  'signed32',
  'signed64',
  'float32',
  'float64',
  'boolean',
  'macAddress',
  'string',
  'dateTimeSeconds',
  'dateTimeMilliseconds',
  'dateTimeMicroseconds',
  'dateTimeNanoseconds',
  'ipv4Address',
  'ipv6Address',
  'basicList',
  'subTemplateList',
  'subTemplateMultiList',
] as const;
export type AbstractType = (typeof ABSTRACT_TYPES)[number];

/** Data type semantics (RFC 7012, section 3.2). */
export type Semantics =
  | 'quantity'
  | 'totalCounter'
  | 'deltaCounter'
  | 'identifier'
  | 'flags'
  | 'list'
  | 'snmpCounter'
  | 'snmpGauge';

/** What a field of a template is. */
export interface Element {
  /** Private enterprise number; 0 for IANA's, and for what NetFlow v9 has from 32768 on. */
  readonly pen: number;
  readonly id: number;
  readonly name: string;
  readonly type: AbstractType;
  readonly semantics?: Semantics;
  /** As the registry of units has it: octets, packets, milliseconds … */
  readonly units?: string;
}

/** Length of a field whose records say how long it is (RFC 7011 section 7; H3C NetStream has it in v9 too). */
export const VARIABLE_LENGTH = 65_535;

/** One field of a template, and where it is in records (see RecordSet). */
export interface TemplateField {
  /** Information element without the enterprise bit; scope fields of NetFlow v9 have scope types (RFC 3954 6.1). */
  readonly id: number;
  /** Private enterprise number; 0: IANA's elements (v9 has no others, also for ids of 0x8000 and more). */
  readonly pen: number;
  /** Octets, or VARIABLE_LENGTH. May be 0. */
  readonly length: number;
  /** A scope field of an options template. */
  readonly scope: boolean;
  /** In which run of its record it is: how many fields of variable length come before it. */
  readonly run: number;
  /** Octets from the start of its run; of a field of variable length this is where its length stands. */
  readonly offset: number;
}

/**
 * What a template says. It never changes, and sessions whose templates say the same share one: what a consumer makes
 * of it can be kept in a WeakMap. NetFlow v5 has one too (NETFLOW5_TEMPLATE), so that its records are as others.
 */
export interface Template {
  readonly id: number;
  readonly version: 5 | 9 | 10;
  readonly kind: 'data' | 'options';
  readonly fields: readonly TemplateField[];
  /** How many of the fields are scope fields; they are the first. */
  readonly scopeCount: number;
  /** Octets of a record; the least that one has when there are fields of variable length. */
  readonly recordLength: number;
  /** Octets of each run: fields of fixed length that follow each other. One more than fields of variable length. */
  readonly runLengths: readonly number[];
  /** There are fields of variable length. */
  readonly variable: boolean;
  /** The template record as it was on the wire, from its id on. */
  readonly raw: Uint8Array;
}

/**
 * Records of one set that are really there: no field of them reaches beyond it. Valid until the consumer returns; the
 * octets themselves until the end of the batch of datagrams (RecordConsumer.endBatch).
 *
 * Record i is in `bytes`. Its run r begins at `positions[r * stride + i]`, so a field of fixed length is at
 * `positions[field.run * stride + i] + field.offset`. Of a field of variable length that is where its length stands:
 * one octet, or 255 and two more; variableStart() and variableEnd() say where its value is.
 */
export interface RecordSet {
  readonly bytes: Uint8Array;
  /** The same memory: positions hold for both. */
  readonly view: DataView;
  /** Never 0, at most RECORDS_PER_CALL: long sets come in several calls. */
  readonly count: number;
  readonly positions: Uint32Array;
  readonly stride: number;
}

/** The most records that a consumer gets in one call. */
export const RECORDS_PER_CALL = 512;

/** Where the value of a field of variable length begins. @param at where its length stands */
export function variableStart(bytes: Uint8Array, at: number): number {
  return bytes[at] === 255 ? at + 3 : at + 1;
}

/** Where the value of a field of variable length ends. @param at where its length stands */
export function variableEnd(bytes: Uint8Array, at: number): number {
  const length = bytes[at] as number;
  if (length !== 255) return at + 1 + length;
  return at + 3 + (((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number));
}

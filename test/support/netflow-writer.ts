/** Writes messages of NetFlow v5, v9 and IPFIX as exporters do, field by field, for tests of decoders. */

/** A field of a template: element, octets (65,535: variable), enterprise number. */
export type Spec = readonly [id: number, length: number, pen?: number];

export const VARIABLE = 65_535;

export function u16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

export function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}

/** A number in so many octets. */
export function number(value: number | bigint, octets: number): number[] {
  const hex = BigInt.asUintN(octets * 8, BigInt(value))
    .toString(16)
    .padStart(octets * 2, '0');
  return octets === 0 ? [] : [...Buffer.from(hex, 'hex')];
}

/** A value of variable length, with its length before it. @param long with three octets of length */
export function variable(value: Iterable<number>, long = false): number[] {
  const octets = [...value];
  if (octets.length < 255 && !long) return [octets.length, ...octets];
  return [255, ...u16(octets.length), ...octets];
}

/** A set: its header, what is in it, and padding behind it. */
export function set(id: number, content: Iterable<number>, padding = 0): number[] {
  const octets = [...content, ...new Array<number>(padding).fill(0)];
  return [...u16(id), ...u16(octets.length + 4), ...octets];
}

export interface MessageOptions {
  readonly sequence?: number;
  readonly domain?: number;
  readonly exportSeconds?: number;
  readonly sysUptime?: number;
  readonly count?: number;
}

export function ipfixMessage(
  sets: readonly (readonly number[])[],
  { sequence = 0, domain = 1, exportSeconds = 1_700_000_000 }: MessageOptions = {},
): Uint8Array {
  const body = sets.flat();
  return Uint8Array.from([
    ...u16(10),
    ...u16(body.length + 16),
    ...u32(exportSeconds),
    ...u32(sequence),
    ...u32(domain),
    ...body,
  ]);
}

export function netflow9Message(
  sets: readonly (readonly number[])[],
  {
    sequence = 0,
    domain = 1,
    exportSeconds = 1_700_000_000,
    sysUptime = 1_000_000,
    count = sets.length,
  }: MessageOptions = {},
): Uint8Array {
  return Uint8Array.from([
    ...u16(9),
    ...u16(count),
    ...u32(sysUptime),
    ...u32(exportSeconds),
    ...u32(sequence),
    ...u32(domain),
    ...sets.flat(),
  ]);
}

/** @param records 48 octets each @param sampling mode (two bits) and interval */
export function netflow5Message(
  records: readonly (readonly number[])[],
  {
    sequence = 0,
    domain = 0,
    exportSeconds = 1_700_000_000,
    sysUptime = 1_000_000,
    count = records.length,
    sampling = 0,
    nanoseconds = 0,
  }: MessageOptions & { readonly sampling?: number; readonly nanoseconds?: number } = {},
): Uint8Array {
  return Uint8Array.from([
    ...u16(5),
    ...u16(count),
    ...u32(sysUptime),
    ...u32(exportSeconds),
    ...u32(nanoseconds),
    ...u32(sequence),
    ...u16(domain),
    ...u16(sampling),
    ...records.flat(),
  ]);
}

/** A template record of IPFIX. */
export function ipfixTemplate(id: number, fields: readonly Spec[]): number[] {
  return [...u16(id), ...u16(fields.length), ...fields.flatMap(ipfixField)];
}

/** An options template record of IPFIX: the first fields are its scope. */
export function ipfixOptionsTemplate(
  id: number,
  scopes: number,
  fields: readonly Spec[],
): number[] {
  return [...u16(id), ...u16(fields.length), ...u16(scopes), ...fields.flatMap(ipfixField)];
}

function ipfixField([id, length, pen = 0]: Spec): number[] {
  return [...u16(pen === 0 ? id : id | 0x8000), ...u16(length), ...(pen === 0 ? [] : u32(pen))];
}

export function netflow9Template(id: number, fields: readonly Spec[]): number[] {
  const specs = fields.flatMap(([type, length]) => [...u16(type), ...u16(length)]);
  return [...u16(id), ...u16(fields.length), ...specs];
}

export function netflow9OptionsTemplate(
  id: number,
  scopes: readonly Spec[],
  fields: readonly Spec[],
): number[] {
  const specs = [...scopes, ...fields].flatMap(([type, length]) => [...u16(type), ...u16(length)]);
  return [...u16(id), ...u16(scopes.length * 4), ...u16(fields.length * 4), ...specs];
}

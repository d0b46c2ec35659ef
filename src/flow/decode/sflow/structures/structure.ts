/**
 * Records of sFlow, as sflow.org describes them in XDR (RFC 4506): what fields they have, in their order. Formats that
 * write records as text follow these descriptions.
 */

/**
 * - `u32`, `i32`, `u64`, `f32`: numbers
 * - `ipv4`, `ipv6`: addresses; `address`: one with its type before it (0 none, 1 IPv4, 2 IPv6)
 * - `mac`: six octets and two of padding
 * - `text`, `octets`: with their length before them; `uuid`: 16 octets
 */
export type ScalarKind =
  | 'u32'
  | 'i32'
  | 'u64'
  | 'f32'
  | 'ipv4'
  | 'ipv6'
  | 'address'
  | 'mac'
  | 'text'
  | 'octets'
  | 'uuid';

export interface Field {
  /** In snake_case, after sflow.org's name: unique in its structure. */
  readonly key: string;
  /** As vFlow writes it, or would: PascalCase. */
  readonly vflow: string;
  /** A list has its length before it, and then as often its fields, or one value. */
  readonly kind: ScalarKind | { readonly list: readonly Field[] | ScalarKind };
}

export interface Structure {
  /** Enterprise in the upper 20 bits. */
  readonly format: number;
  /** In snake_case. */
  readonly name: string;
  /** The key of the record in vFlow's JSON. */
  readonly vflow: string;
  readonly fields: readonly Field[];
}

/** snake_case to PascalCase. */
export function pascalCase(key: string): string {
  return key.replaceAll(/(?:^|_)([a-z0-9])/g, (_, first: string) => first.toUpperCase());
}

/** Fields of one kind: `key`, or `key=NameInVflow` where that differs. */
export function fields(kind: Field['kind'], ...names: readonly string[]): Field[] {
  return names.map((name) => {
    const [key = '', vflow = pascalCase(key)] = name.split('=');
    return { key, vflow, kind };
  });
}

export function structure(
  format: number,
  name: string,
  parts: readonly (readonly Field[])[],
  vflow: string = pascalCase(name),
): Structure {
  return { format, name, vflow, fields: parts.flat() };
}

/** The format of a structure of an enterprise. */
export function enterpriseFormat(enterprise: number, number: number): number {
  return enterprise * 4096 + number;
}

/**
 * Addresses as they are on the wire and as text. The lab has its own functions for this: what judges the
 * proxy must not share its code.
 */
import { SocketAddress } from 'node:net';

/** An address with a port, as tests write it. A missing port is none. */
export interface EndpointText {
  readonly host: string;
  readonly port?: number;
}

/** Prints 4 or 16 bytes as an address; IPv4-mapped IPv6 keeps its IPv6 form. */
export function textOfAddress(octets: Buffer): string {
  const known = texts.get(octets.toString('latin1'));
  if (known !== undefined) return known;
  const text = octets.length === 4 ? octets.join('.') : ipv6Text(octets);
  texts.set(octets.toString('latin1'), text);
  return text;
}

/** One spelling of an address, for comparing. */
export function canonicalText(address: string): string {
  if (!address.includes(':')) return address;
  const text = new SocketAddress({ address, family: 'ipv6' }).address;
  return text.startsWith('::ffff:') && text.includes('.') ? text.slice('::ffff:'.length) : text;
}

/** An address as 32 or 128 digits. */
export function bitsOf(address: string): string {
  const bits = octetsOf(address).map((octet) => octet.toString(2).padStart(8, '0'));
  return bits.join('');
}

/** The 4 or 16 octets of an address. */
export function octetsOf(address: string): number[] {
  const text = canonicalText(address);
  if (!text.includes(':')) return text.split('.').map(Number);
  const [head = [], tail] = text.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array(zeros).fill('0'), ...(tail ?? [])];
  const numbers = groups.map((group) => Number.parseInt(group, 16));
  return numbers.flatMap((number) => [number >> 8, number & 255]);
}

/** What an IPv4 source looks like to an IPv6 collector, behind a prefix such as `::ffff:` (R6). */
export function mappedSource(address: string, prefix = '::ffff:'): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const low = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  return prefix === '::ffff:' ? `::ffff:${address}` : canonicalText(`${prefix}${low}`);
}

/** `192.0.2.1:2055` or `[2001:db8::1]:2055`; equal endpoints have equal keys. */
export function keyOf(host: string, port: number): string {
  const text = canonicalText(host);
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}

const texts = new Map<string, string>();

function ipv6Text(octets: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(i * 2).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

import { isIPv4, isIPv6 } from 'node:net';

/** An IP address in network byte order: 4 bytes, or 16 that are not IPv4-mapped. */
export type Octets = Uint8Array;

export const LOOPBACK_IPV4: Octets = Uint8Array.of(127, 0, 0, 1);
export const LOOPBACK_IPV6: Octets = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

const MAPPED_PREFIX_BYTES = 12;

/**
 * Reads an IPv4 or IPv6 literal. IPv4-mapped IPv6 becomes IPv4 (spec E2).
 *
 * @returns undefined for anything else: host names, zones, brackets, blanks.
 */
export function parseAddress(text: string): Octets | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (isIPv6(text) && !text.includes('%')) return canonicalOctets(parseIpv6(text));
  return undefined;
}

/** Turns the 16-byte form of an IPv4-mapped address into its 4 bytes; others stay as they are. */
export function canonicalOctets(octets: Octets): Octets {
  return isMapped(octets) ? octets.slice(MAPPED_PREFIX_BYTES) : octets;
}

/** The 16-byte form of an address: IPv4 becomes `::ffff:a.b.c.d`. */
export function mappedOctets(octets: Octets): Octets {
  if (octets.length === 16) return octets;
  const mapped = new Uint8Array(16);
  mapped[10] = 0xff;
  mapped[11] = 0xff;
  mapped.set(octets, MAPPED_PREFIX_BYTES);
  return mapped;
}

/** Prints an address: dotted quad, or IPv6 as in RFC 5952 section 4. */
export function formatAddress(octets: Octets): string {
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => groupAt(octets, i));
  const run = longestZeroRun(groups);
  const hex = (part: readonly number[]) => part.map((g) => g.toString(16)).join(':');
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function isMapped(octets: Octets): boolean {
  if (octets.length !== 16 || octets[10] !== 0xff || octets[11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (octets[i] !== 0) return false;
  return true;
}

/** Reads text that isIPv6 has accepted. */
function parseIpv6(text: string): Octets {
  const [head = '', tail] = text.split('::');
  const left = ipv6Bytes(head);
  const right = tail === undefined ? [] : ipv6Bytes(tail);
  const octets = new Uint8Array(16);
  octets.set(left, 0);
  octets.set(right, 16 - right.length);
  return octets;
}

function ipv6Bytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function groupAt(octets: Octets, index: number): number {
  return ((octets[index * 2] ?? 0) << 8) | (octets[index * 2 + 1] ?? 0);
}

/** The first of the longest runs of zero groups (RFC 5952 section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, i) => {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: i - length + 1, length };
  });
  return best;
}

import type { Octets } from './address.ts';

/**
 * What an address is by itself; the broadcast addresses of networks are not told by it.
 *
 * - `unspecified`: 0.0.0.0, `::` (any address, for who listens).
 * - `loopback`: 127.0.0.0/8, `::1`.
 * - `link-local`: 169.254.0.0/16 (RFC 3927), fe80::/10.
 * - `multicast`: 224.0.0.0/4 (RFC 5771), ff00::/8.
 * - `broadcast`: 255.255.255.255.
 * - `unicast`: all others (RFC 1122 section 3.2.1.3, RFC 4291 section 2.4).
 */
export type AddressKind =
  | 'unicast'
  | 'unspecified'
  | 'loopback'
  | 'link-local'
  | 'multicast'
  | 'broadcast';

export function addressKind(octets: Octets): AddressKind {
  if (octets.every((byte) => byte === 0)) return 'unspecified';
  return octets.length === 4 ? ipv4Kind(octets) : ipv6Kind(octets);
}

/** Whether the address means something only together with an interface (RFC 4007 section 6). */
export function needsInterface(octets: Octets): boolean {
  return octets.length === 16 && addressKind(octets) === 'link-local';
}

function ipv4Kind(octets: Octets): AddressKind {
  const [first = 0, second = 0] = octets;
  if (first === 127) return 'loopback';
  if (first === 169 && second === 254) return 'link-local';
  if (first >= 224 && first <= 239) return 'multicast';
  return octets.every((byte) => byte === 255) ? 'broadcast' : 'unicast';
}

function ipv6Kind(octets: Octets): AddressKind {
  const [first = 0, second = 0] = octets;
  if (first === 0xff) return 'multicast';
  if (first === 0xfe && (second & 0xc0) === 0x80) return 'link-local';
  return octets.every((byte, i) => byte === (i === 15 ? 1 : 0)) ? 'loopback' : 'unicast';
}

import type { Octets } from './address.ts';

export type AddressKind = 'unicast' | 'unspecified' | 'multicast' | 'broadcast';

/** What an address can be by itself (RFC 1122 section 3.2.1.3, RFC 5771, RFC 4291 section 2.4). */
export function addressKind(octets: Octets): AddressKind {
  if (octets.every((byte) => byte === 0)) return 'unspecified';
  const first = octets[0] ?? 0;
  if (octets.length === 16) return first === 0xff ? 'multicast' : 'unicast';
  if (octets.every((byte) => byte === 0xff)) return 'broadcast';
  return first >= 224 && first <= 239 ? 'multicast' : 'unicast';
}

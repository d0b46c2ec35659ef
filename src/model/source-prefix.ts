import { IPv6, IPv6CidrRange } from 'ip-num';
import { formatAddress, mappedOctets, type Octets, parseAddress } from './address.ts';
import { addressKind } from './address-kind.ts';

const PREFIX_BITS = 96;
const PREFIX_BYTES = 12;

/**
 * Reads an IPv6 prefix of 96 bits such as `64:ff9b::/96`: what stands before the 4 bytes of an IPv4 source
 * on its way to an IPv6 collector (spec R6).
 *
 * @returns the first 12 bytes; undefined for other lengths, host bits that are not zero, zones, multicast
 */
export function parseSourcePrefix(text: string): Octets | undefined {
  const suffix = `/${PREFIX_BITS}`;
  const spelling = text.endsWith(suffix) ? text.slice(0, -suffix.length) : '';
  const octets = spelling.includes(':') ? parseAddress(spelling) : undefined;
  if (octets === undefined) return undefined;
  const address = mappedOctets(octets);
  const canonical = formatAddress(address);
  const first = IPv6CidrRange.fromCidr(canonical + suffix).getFirst();
  if (first.getValue() !== new IPv6(canonical).getValue()) return undefined;
  return addressKind(address) === 'multicast' ? undefined : address.slice(0, PREFIX_BYTES);
}

/** Prints the 12 bytes as `::ffff:0:0/96`. */
export function formatSourcePrefix(prefix: Octets): string {
  const octets = new Uint8Array(16);
  octets.set(prefix);
  return `${formatAddress(octets)}/${PREFIX_BITS}`;
}

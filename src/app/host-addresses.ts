import { networkInterfaces } from 'node:os';
import { IPv4CidrRange } from 'ip-num';
import { type Octets, parseAddress } from '../model/address.ts';
import type { HostAddresses } from '../rules/validate.ts';

const IPV4_LOOPBACK = 127;

/** The addresses of this host's interfaces, as they are now. */
export function readHostAddresses(listenPort: number | undefined): HostAddresses {
  const local = new Set<string>();
  const broadcast = new Set<string>();
  for (const { address, family, cidr } of Object.values(networkInterfaces()).flatMap(
    (a) => a ?? [],
  )) {
    const octets = parseAddress(address.replace(/%.*/, ''));
    if (octets !== undefined) local.add(keyOf(octets));
    if (family === 'IPv4' && cidr !== null) addBroadcast(cidr, broadcast);
  }
  return {
    listenPort,
    isLocal: (octets) => isLoopback(octets) || local.has(keyOf(octets)),
    isBroadcast: (octets) => octets.length === 4 && broadcast.has(keyOf(octets)),
  };
}

/** Networks of one or two addresses have no broadcast address (RFC 3021). */
function addBroadcast(cidr: string, broadcast: Set<string>): void {
  const range = IPv4CidrRange.fromCidr(cidr);
  if (range.getSize() <= 2n) return;
  const last = parseAddress(range.getLast().toString());
  if (last !== undefined) broadcast.add(keyOf(last));
}

function isLoopback(octets: Octets): boolean {
  if (octets.length === 4) return octets[0] === IPV4_LOOPBACK;
  return octets.every((byte, i) => byte === (i === 15 ? 1 : 0));
}

function keyOf(octets: Octets): string {
  return octets.join('.');
}

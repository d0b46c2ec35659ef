import { networkInterfaces } from 'node:os';
import type { SocketAddress } from '../config/config.ts';
import { type Octets, parseAddress } from '../model/address.ts';
import { addressKind } from '../model/address-kind.ts';
import { type LocalRoute, parseLocalRoutes, readLocalRoutes } from '../native/local-routes.ts';
import type { HostAddresses } from '../rules/validate.ts';

/**
 * The addresses of this host, as they are now: what the kernel takes packets for (its routing table `local`, which
 * has addresses without carrier and `ip route add local PREFIX` as well), loopback, and the addresses of all
 * interfaces: those in a VRF are in a table of their own.
 */
export function readHostAddresses(listeners: readonly SocketAddress[]): HostAddresses {
  const routes = parseLocalRoutes(readLocalRoutes());
  const own = new AddressSet(routes.filter(({ isBroadcast }) => !isBroadcast));
  for (const octets of interfaceAddresses()) own.add(octets);
  const broadcast = new AddressSet(routes.filter(({ isBroadcast }) => isBroadcast));
  return {
    listenPorts: listeners.map(({ port }) => port),
    isLocal: (octets) =>
      addressKind(octets) === 'loopback' || (own.has(octets) && !broadcast.has(octets)),
    isBroadcast: (octets) => broadcast.has(octets),
  };
}

/** Equal keys, equal addresses. */
export function hostAddressesKey(): string {
  const routes = Buffer.from(readLocalRoutes()).toString('latin1');
  return [routes, ...interfaceAddresses().map(keyOf)].join(' ');
}

/** Addresses by the networks they are in. */
class AddressSet {
  readonly #addresses = new Set<string>();
  readonly #networks: LocalRoute[] = [];

  constructor(routes: readonly LocalRoute[]) {
    for (const route of routes) {
      if (route.prefixBits === route.octets.length * 8) this.add(route.octets);
      else this.#networks.push(route);
    }
  }

  add(octets: Octets): void {
    this.#addresses.add(keyOf(octets));
  }

  has(octets: Octets): boolean {
    return (
      this.#addresses.has(keyOf(octets)) ||
      this.#networks.some((network) => isWithin(octets, network))
    );
  }
}

function isWithin(octets: Octets, { octets: first, prefixBits }: LocalRoute): boolean {
  if (octets.length !== first.length) return false;
  return octets.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, prefixBits - i * 8));
    return (byte ^ (first[i] ?? 0)) >> (8 - bits) === 0;
  });
}

function interfaceAddresses(): Octets[] {
  const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return entries.flatMap(({ address }) => parseAddress(address) ?? []);
}

function keyOf(octets: Octets): string {
  return octets.join('.');
}

import { present } from '../base/present.ts';
import { formatAddress, type Octets } from '../model/address.ts';
import type { RouteState, Way } from '../model/collector-status.ts';
import { findInTurns } from '../native/find-in-turns.ts';
import {
  findRoutes,
  type Link,
  type Neighbour,
  type Route,
  readLinks,
  readNeighbours,
} from '../native/network.ts';
import { type NextHop, NextHops } from '../native/next-hops.ts';

/** What the kernel is asked; replaced in tests. */
export interface Kernel {
  readonly findRoutes: (destinations: readonly Octets[]) => readonly Route[];
  readonly readNeighbours: () => readonly Neighbour[];
  readonly readLinks: () => readonly Link[];
}

export const KERNEL: Kernel = { findRoutes, readNeighbours, readLinks };

/** With what a route refuses a packet, by errno (linux/rtnetlink.h, fib_props in net/ipv4/fib_semantics.c). */
const REFUSALS: Readonly<Record<string, RouteState>> = {
  ENETUNREACH: 'none',
  EHOSTUNREACH: 'unreachable',
  EINVAL: 'blackhole',
  EACCES: 'prohibit',
};

/**
 * The ways to these addresses as the kernel knows them now, by formatAddress(). Lets the process do other things in
 * between: some five microseconds for each address.
 *
 * @throws SystemCallError
 */
export async function findWays(
  addresses: readonly Octets[],
  kernel: Kernel = KERNEL,
): Promise<Map<string, Way>> {
  const hops = new NextHops(kernel.readLinks(), kernel.readNeighbours());
  const ways = new Map<string, Way>();
  for await (const [octets, route] of findInTurns(addresses, kernel.findRoutes))
    ways.set(formatAddress(octets), wayOf(route, hops.of(route, octets)));
  return ways;
}

function wayOf(route: Route, { link, neighbour }: NextHop): Way {
  const refusal = refusalOf(route);
  if (refusal !== undefined) return { route: refusal, neighbour: 'unknown' };
  return {
    route: 'ok',
    neighbour: neighbourState(route, link, neighbour),
    ...(link === undefined ? {} : { device: link.name }),
    ...(route.gateway === undefined ? {} : { via: formatAddress(route.gateway) }),
    ...present<Pick<Way, 'mtu' | 'source'>>({
      mtu: route.mtu || link?.mtu,
      source: route.source && formatAddress(route.source),
    }),
  };
}

function refusalOf({ error, type }: Route): RouteState | undefined {
  if (error !== undefined) return REFUSALS[error] ?? 'unknown';
  return type === 'blackhole' || type === 'unreachable' || type === 'prohibit' ? type : undefined;
}

function neighbourState(
  route: Route,
  link: Link | undefined,
  neighbour: Neighbour | undefined,
): Way['neighbour'] {
  if (route.type === 'local' || link?.isLoopback) return 'unneeded';
  const state = neighbour?.state ?? 'none';
  if (state === 'noarp') return 'unneeded';
  return state === 'other' ? 'unknown' : state;
}

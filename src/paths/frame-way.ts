/** Whether copies to an address can leave as Ethernet frames, and how these begin: from what the kernel says of its route. */
import { needsInterface } from '../model/address-kind.ts';
import { ETHER_TYPE } from '../model/ip-packet.ts';
import type { Hop } from '../native/hops.ts';
import type { Link, Neighbour, NeighbourState, Route } from '../native/network.ts';
import type { NextHops } from '../native/next-hops.ts';
import { PATHS } from '../native/paths-layout.ts';
import type { PathRow } from './path-memory.ts';
import { spread } from './spread.ts';

/** Why copies to an address do not leave as frames. */
export const NO_PATH = {
  'not looked at': 'its route was not looked at yet',
  'no route': 'there is no route to it',
  'this host': 'it is on this host',
  'not unicast': 'it is a group, a broadcast address, or means something only with a link',
  'not Ethernet': 'the link to it is no Ethernet, or has no neighbours',
  'link down': 'the link to it is down, or has no carrier',
  tunnel: 'its route puts packets into a tunnel, or labels them',
  'next hops': 'its route has next hops that the kernel does not tell, or more than 64',
  neighbour: 'the neighbour on the way has not told its address, or does not answer',
  'no room': 'the path table is full',
} as const;

export type NoPath = keyof typeof NO_PATH;

/** Who gets the frames of an address. */
export interface FrameHop {
  readonly link: Link;
  /** The gateway, or the address itself. */
  readonly octets: Uint8Array;
  readonly neighbour: Neighbour | undefined;
}

export type FrameWay =
  | { readonly problem: NoPath }
  /** One, or several that share what goes there: one row for each part, none for a hop that is not ready. */
  | { readonly hops: readonly FrameHop[]; readonly rows: readonly (PathRow | undefined)[] };

/** States (arp(7)) in which the kernel sends to a neighbour without asking first. */
const READY: ReadonlySet<NeighbourState> = new Set([
  'reachable',
  'stale',
  'delay',
  'probe',
  'permanent',
  'noarp',
]);

const MAC_BYTES = 6;

/** @param hops as the routing table has them; undefined: the kernel does not say */
export function frameWay(
  octets: Uint8Array,
  route: Route,
  hops: readonly Hop[] | undefined,
  nextHops: NextHops,
): FrameWay {
  const refused = refusalOf(octets, route);
  if (refused !== undefined) return { problem: refused };
  if (hops === undefined) return { problem: 'next hops' };
  if (hops.some(({ isWrapped }) => isWrapped)) return { problem: 'tunnel' };
  // Of a single next hop the route tells what was learnt since: redirects.
  const { link: out, gateway } = route;
  const living =
    hops.length === 1 ? [{ link: out, gateway, weight: 1 }] : hops.filter((hop) => !hop.isDead);
  if (living.length === 0) return { problem: 'link down' };
  const parts = spread(living);
  if (parts === undefined) return { problem: 'next hops' };
  const found = new Map(living.map((hop) => [hop, nextHops.of(hop, octets)]));
  for (const { link } of found.values()) {
    const unfit = unfitness(octets, link);
    if (unfit !== undefined) return { problem: unfit };
  }
  const rows = parts.map((part) => rowOf(octets, route, found.get(part) as FrameHop));
  if (rows.every((row) => row === undefined)) return { problem: 'neighbour' };
  return { hops: [...found.values()] as FrameHop[], rows };
}

function refusalOf(octets: Uint8Array, { error, type }: Route): NoPath | undefined {
  if (needsInterface(octets)) return 'not unicast';
  if (error !== undefined) return 'no route';
  if (type === 'unicast') return undefined;
  if (type === 'local') return 'this host';
  if (type === 'blackhole' || type === 'unreachable' || type === 'prohibit') return 'no route';
  return 'not unicast';
}

function unfitness(octets: Uint8Array, link: Link | undefined): NoPath | undefined {
  if (link === undefined || (octets.length === 16 && link.ipv6Mtu === 0)) return 'link down';
  if (link.isLoopback) return 'this host';
  if (!link.isEthernet || !link.hasNeighbours || !isMac(link.hardware)) return 'not Ethernet';
  return link.isUp && link.isRunning ? undefined : 'link down';
}

function rowOf(
  octets: Uint8Array,
  route: Route,
  { link, neighbour }: FrameHop,
): PathRow | undefined {
  if (neighbour === undefined || !READY.has(neighbour.state)) return undefined;
  if (!isMac(neighbour.hardware)) return undefined;
  const frame = new Uint8Array(PATHS.FRAME_BYTES);
  frame.set(neighbour.hardware);
  frame.set(link.hardware, MAC_BYTES);
  const type = octets.length === 4 ? ETHER_TYPE[4] : ETHER_TYPE[6];
  frame[2 * MAC_BYTES] = type >> 8;
  frame[2 * MAC_BYTES + 1] = type & 0xff;
  const most = octets.length === 4 ? link.mtu : Math.min(link.ipv6Mtu, link.mtu);
  return { link: link.index, mtu: Math.min(route.mtu || most, most), frame };
}

/** An address of one station. */
function isMac(hardware: Uint8Array): boolean {
  const [first = 1] = hardware;
  return (
    hardware.length === MAC_BYTES && (first & 1) === 0 && hardware.some((octet) => octet !== 0)
  );
}

/**
 * What the kernel would do with a packet (native/include/sys_network.h): its route, the neighbour that gets it, and the
 * link by which it leaves. Looking changes nothing and needs no privileges.
 */
import { getSystemErrorName } from 'node:util';
import { addon } from './addon.ts';
import { readList } from './list.ts';
import { check } from './system-call.ts';

/** Where a packet to an address goes. */
export interface Route {
  /** Name of the errno with which the kernel refuses it, such as `ENETUNREACH`; undefined = it goes. */
  readonly error: string | undefined;
  /** Index of the link by which it leaves. */
  readonly link: number;
  /** Of the route; 0 = that of the link. */
  readonly mtu: number;
  /** The next hop, 4 or 16 bytes; undefined = the destination is a neighbour itself. */
  readonly gateway: Uint8Array | undefined;
  /** Which of this host's addresses a packet of its own would have; undefined = unknown. */
  readonly source: Uint8Array | undefined;
  readonly type: RouteType;
}

/** RTN_* of linux/rtnetlink.h. */
const ROUTE_TYPES = {
  1: 'unicast',
  2: 'local',
  3: 'broadcast',
  4: 'anycast',
  5: 'multicast',
  6: 'blackhole',
  7: 'unreachable',
  8: 'prohibit',
} as const;

export type RouteType = (typeof ROUTE_TYPES)[keyof typeof ROUTE_TYPES] | 'other';

/** What the kernel knows of a host on one of its links. */
export interface Neighbour {
  /** 4 or 16 bytes. */
  readonly octets: Uint8Array;
  readonly link: number;
  readonly state: NeighbourState;
  /** Its address on the link; empty while it is not known. */
  readonly hardware: Uint8Array;
}

/** NUD_* of linux/neighbour.h. */
const NEIGHBOUR_STATES = {
  0: 'none',
  1: 'incomplete',
  2: 'reachable',
  4: 'stale',
  8: 'delay',
  16: 'probe',
  32: 'failed',
  64: 'noarp',
  128: 'permanent',
} as const;

/** `failed`: it did not answer; `incomplete`: it was asked and has not answered yet. */
export type NeighbourState = (typeof NEIGHBOUR_STATES)[keyof typeof NEIGHBOUR_STATES] | 'other';

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  /** For IPv6, which routers may have told to be less; 0 = it has no IPv6. */
  readonly ipv6Mtu: number;
  /** Set up by the administrator. */
  readonly isUp: boolean;
  /** There is a carrier. */
  readonly isRunning: boolean;
  readonly isLoopback: boolean;
  /** Of Ethernet frames (ARPHRD_ETHER), whatever carries them: also VLANs, bonds, bridges, veth. */
  readonly isEthernet: boolean;
  /** Its neighbours are not asked for their addresses (IFF_NOARP): dummy, VRF and others that are no network. */
  readonly hasNeighbours: boolean;
  /** Its own address; empty where it has none. */
  readonly hardware: Uint8Array;
}

const DESTINATION_BYTES = 20;
const ROUTE_BYTES = 52;
const NEIGHBOUR_BYTES = 32;
const LINK_BYTES = 44;
const LINK_NAME_BYTES = 16;

/** IFF_* of linux/if.h. */
const FLAG = { UP: 1, LOOPBACK: 8, RUNNING: 64, NO_ARP: 128 };
/** ARPHRD_ETHER of linux/if_arp.h. */
const ETHERNET = 1;

/**
 * Looks up where packets to these addresses go, in some five microseconds each.
 *
 * @param destinations 4 or 16 bytes each
 * @returns in the same order
 * @throws SystemCallError
 */
export function findRoutes(destinations: readonly Uint8Array[]): Route[] {
  const answers = new Uint8Array(destinations.length * ROUTE_BYTES);
  check('findRoutes', addon().findRoutes(packDestinations(destinations), answers));
  return destinations.map((_, i) => parseRoute(answers, i * ROUTE_BYTES));
}

/** As struct sys_destination. */
export function packDestinations(destinations: readonly Uint8Array[]): Uint8Array {
  const asked = new Uint8Array(destinations.length * DESTINATION_BYTES);
  const families = new Uint32Array(asked.buffer);
  destinations.forEach((octets, i) => {
    asked.set(octets, i * DESTINATION_BYTES);
    families[i * (DESTINATION_BYTES / 4) + 4] = octets.length === 4 ? 4 : 6;
  });
  return asked;
}

function parseRoute(bytes: Uint8Array, at: number): Route {
  const [error = 0, link = 0, mtu = 0] = new Uint32Array(bytes.buffer, at + 32, 3);
  return {
    error: error === 0 ? undefined : getSystemErrorName(-error),
    link,
    mtu,
    gateway: addressAt(bytes, at, bytes[at + 44]),
    source: addressAt(bytes, at + 16, bytes[at + 45]),
    type: nameIn(ROUTE_TYPES, bytes[at + 46]),
  };
}

/** The kernel's neighbours of all links: its ARP and neighbour discovery tables. @throws SystemCallError */
export function readNeighbours(): Neighbour[] {
  const bytes = readList('readNeighbours', NEIGHBOUR_BYTES, (room) => addon().neighbours(room));
  return places(bytes, NEIGHBOUR_BYTES).map((at) => {
    const [link = 0] = new Uint32Array(bytes.buffer, at + 16, 1);
    const [state] = new Uint16Array(bytes.buffer, at + 20, 1);
    const octets = addressAt(bytes, at, bytes[at + 22]) ?? new Uint8Array(0);
    const hardware = hardwareAt(bytes, at + 24, bytes[at + 23]);
    return { octets, link, state: nameIn(NEIGHBOUR_STATES, state), hardware };
  });
}

/** The network interfaces of this host, or of its network namespace. @throws SystemCallError */
export function readLinks(): Link[] {
  const bytes = readList('readLinks', LINK_BYTES, (room) => addon().links(room));
  return places(bytes, LINK_BYTES).map((at) => {
    const [index = 0, mtu = 0, ipv6Mtu = 0, flags = 0] = new Uint32Array(bytes.buffer, at, 4);
    const name = Buffer.from(bytes.subarray(at + 16, at + 16 + LINK_NAME_BYTES)).toString('latin1');
    const [type] = new Uint16Array(bytes.buffer, at + 32, 1);
    return {
      index,
      name: name.replace(/\0.*/s, ''),
      mtu,
      ipv6Mtu,
      isUp: (flags & FLAG.UP) !== 0,
      isRunning: (flags & FLAG.RUNNING) !== 0,
      isLoopback: (flags & FLAG.LOOPBACK) !== 0,
      isEthernet: type === ETHERNET,
      hasNeighbours: (flags & FLAG.NO_ARP) === 0,
      hardware: hardwareAt(bytes, at + 36, bytes[at + 34]),
    };
  });
}

function places(bytes: Uint8Array, itemBytes: number): number[] {
  return Array.from({ length: bytes.length / itemBytes }, (_, i) => i * itemBytes);
}

function hardwareAt(bytes: Uint8Array, at: number, length = 0): Uint8Array {
  return bytes.slice(at, at + length);
}

/** @param family 4 or 6; 0 = there is none */
export function addressAt(bytes: Uint8Array, at: number, family = 0): Uint8Array | undefined {
  return family === 0 ? undefined : bytes.slice(at, at + (family === 4 ? 4 : 16));
}

function nameIn<Names extends Readonly<Record<number, string>>>(
  names: Names,
  number = -1,
): Names[keyof Names] | 'other' {
  return (names as Readonly<Record<number, Names[keyof Names]>>)[number] ?? 'other';
}

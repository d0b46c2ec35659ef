/** All next hops of routes (native/include/sys_network.h). Looking changes nothing and needs no privileges. */
import { addon } from './addon.ts';
import { addressAt, packDestinations } from './network.ts';
import { check } from './system-call.ts';

/** One of the next hops that a route shares packets among. */
export interface Hop {
  /** Index of the link. */
  readonly link: number;
  /** 4 or 16 bytes; undefined = the destination is a neighbour itself. */
  readonly gateway: Uint8Array | undefined;
  /** Its share is this part of the sum. */
  readonly weight: number;
  /** The kernel sends nothing by it: its link is down or has no carrier. */
  readonly isDead: boolean;
  /** Packets are put into others, or get other labels, before they leave by it (lightweight tunnels, MPLS). */
  readonly isWrapped: boolean;
}

const MAX_HOPS = 64;
const HOP_BYTES = 24;
const HEADER_BYTES = 8;
const ANSWER_BYTES = HEADER_BYTES + MAX_HOPS * HOP_BYTES;
const FLAG = { DEAD: 1, WRAPPED: 2 };

/**
 * Looks up the next hops of these addresses in the routing tables, in some five microseconds each.
 *
 * @param destinations 4 or 16 bytes each
 * @returns in the same order; undefined where the kernel does not say, or there are more than 64
 * @throws SystemCallError
 */
export function findHops(destinations: readonly Uint8Array[]): (readonly Hop[] | undefined)[] {
  const answers = new Uint8Array(destinations.length * ANSWER_BYTES);
  check('findHops', addon().findHops(packDestinations(destinations), answers));
  return destinations.map((_, i) => parseAnswer(answers, i * ANSWER_BYTES));
}

function parseAnswer(bytes: Uint8Array, at: number): readonly Hop[] | undefined {
  const [error, count = 0] = new Uint32Array(bytes.buffer, at, 2);
  if (error !== 0 || count === 0 || count > MAX_HOPS) return undefined;
  return Array.from({ length: count }, (_, i) =>
    parseHop(bytes, at + HEADER_BYTES + i * HOP_BYTES),
  );
}

function parseHop(bytes: Uint8Array, at: number): Hop {
  const [link = 0] = new Uint32Array(bytes.buffer, at + 16, 1);
  const [weight = 0] = new Uint16Array(bytes.buffer, at + 20, 1);
  const flags = bytes[at + 23] ?? 0;
  return {
    link,
    gateway: addressAt(bytes, at, bytes[at + 22]),
    weight,
    isDead: (flags & FLAG.DEAD) !== 0,
    isWrapped: (flags & FLAG.WRAPPED) !== 0,
  };
}

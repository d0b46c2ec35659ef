/** Listening addresses that have addresses in common: the kernel gives what comes there to the narrower one. */
import type { SocketAddress } from '../../config/config.ts';
import { addressKind } from '../../model/address-kind.ts';

/** Whether a packet can be for both. */
export function overlap(one: SocketAddress, other: SocketAddress): boolean {
  return one.port === other.port && (covers(one, other) || covers(other, one));
}

/** Indexes of listeners, those first that cover others: `[::]`, `0.0.0.0`, then the rest. */
export function widestFirst(listeners: readonly SocketAddress[]): number[] {
  return listeners.map((_, i) => i).sort((i, k) => widthOf(listeners[k]) - widthOf(listeners[i]));
}

/** A wildcard IPv6 address serves IPv4 too (spec R11). */
function covers({ octets }: SocketAddress, { octets: narrow }: SocketAddress): boolean {
  if (octets.length === narrow.length && octets.every((byte, i) => byte === narrow[i])) return true;
  return isWildcard(octets) && (octets.length === 16 || narrow.length === 4);
}

function widthOf(listener: SocketAddress | undefined): number {
  return listener !== undefined && isWildcard(listener.octets) ? listener.octets.length : 0;
}

function isWildcard(octets: SocketAddress['octets']): boolean {
  return addressKind(octets) === 'unspecified';
}

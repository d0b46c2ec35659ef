import { addon } from './addon.ts';
import { readList } from './list.ts';

/** A network that the kernel takes packets for, or one of its broadcast addresses. */
export interface LocalRoute {
  /** 4 or 16 bytes; of a network its first address. */
  readonly octets: Uint8Array;
  readonly prefixBits: number;
  /** Broadcast address of a network that this host is on; otherwise the host's own. */
  readonly isBroadcast: boolean;
}

/** Bytes of a struct sys_local_route, and where its fields are (native/include/sys_routes.h). */
const ROUTE_BYTES = 20;
const FAMILY_AT = 16;
const PREFIX_BITS_AT = 17;
const BROADCAST_AT = 18;

/**
 * The kernel's routing table `local` as it is now, as bytes: equal bytes, equal addresses of this host.
 *
 * @throws SystemCallError
 */
export function readLocalRoutes(): Uint8Array {
  return readList('localRoutes', ROUTE_BYTES, (bytes) => addon().localRoutes(bytes));
}

/** @param bytes of readLocalRoutes */
export function parseLocalRoutes(bytes: Uint8Array): LocalRoute[] {
  const routes: LocalRoute[] = [];
  for (let at = 0; at < bytes.length; at += ROUTE_BYTES) {
    const addressBytes = bytes[at + FAMILY_AT] === 4 ? 4 : 16;
    routes.push({
      octets: bytes.slice(at, at + addressBytes),
      prefixBits: bytes[at + PREFIX_BITS_AT] ?? 0,
      isBroadcast: bytes[at + BROADCAST_AT] === 1,
    });
  }
  return routes;
}

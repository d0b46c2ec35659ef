import { networkInterfaces } from 'node:os';
import type { Octets } from '../model/address.ts';
import { addressKind } from '../model/address-kind.ts';

export function isWildcard(octets: Octets): boolean {
  return addressKind(octets) === 'unspecified';
}

/** Canonical text of the addresses of a link. */
export function addressesOf(link: string): string[] {
  return (networkInterfaces()[link] ?? []).map(({ address }) => address);
}

import { networkInterfaces } from 'node:os';
import type { Octets } from '../model/address.ts';
import { addressKind } from '../model/address-kind.ts';
import type { Subject } from './subject.ts';

/** The ports on which the service receives flow by its settings, each once. */
export function listenPorts({ settings: { config } }: Pick<Subject, 'settings'>): number[] {
  return [...new Set((config?.listeners ?? []).map(({ port }) => port))];
}

export function isWildcard(octets: Octets): boolean {
  return addressKind(octets) === 'unspecified';
}

/** Canonical text of the addresses of a link. */
export function addressesOf(link: string): string[] {
  return (networkInterfaces()[link] ?? []).map(({ address }) => address);
}

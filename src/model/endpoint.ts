import { formatAddress, type Octets } from './address.ts';

export const MAX_PORT = 65_535;

/** An address with an optional UDP port: where packets come from, or where copies go. */
export interface Endpoint {
  /** Canonical text of the address (RFC 5952). */
  readonly host: string;
  readonly octets: Octets;
  /** 1 to 65535, or 0 for none (spec E3). */
  readonly port: number;
}

/** @param octets canonical (see model/address.ts) */
export function makeEndpoint(octets: Octets, port: number): Endpoint {
  return { host: formatAddress(octets), octets, port };
}

export function isIpv6(endpoint: Endpoint): boolean {
  return endpoint.octets.length === 16;
}

/** `192.0.2.1:2055`, `[2001:db8::1]:2055`; without port the bare address. Equal endpoints print equal. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.port === 0) return endpoint.host;
  return isIpv6(endpoint)
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`;
}

import { formatAddress, type Octets, parseAddress } from '../model/address.ts';
import { addressKind, needsInterface } from '../model/address-kind.ts';
import { MAX_PORT } from '../model/endpoint.ts';

/** What stands before and after the colon of `host:port`; brackets are gone. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number | undefined;
}

/** An address that a socket can be bound to, as far as it is given. */
export interface BindAddress {
  readonly octets: Octets;
  readonly port: number | undefined;
}

/** An address that a socket can be bound to. */
export interface SocketAddress extends BindAddress {
  readonly port: number;
}

/**
 * Splits `192.0.2.1:2055`, `[2001:db8::1]:2055`, `[2001:db8::1]`, `2001:db8::1`, `name:2055`, `name` or
 * `:2055` (empty host). The host is not looked at any further.
 *
 * @returns undefined for anything else, and for a port that is not 1 to 65535
 */
export function splitHostAndPort(text: string): HostAndPort | undefined {
  const found =
    /^\[(?<host>[^[\]]+)\](?::(?<port>.*))?$/s.exec(text) ??
    /^(?<host>[^:[\]]*)(?::(?<port>[^:]*))?$/.exec(text) ??
    /^(?<host>[^[\]]+)$/.exec(text);
  const host = found?.groups?.['host'];
  if (host === undefined) return undefined;
  const portText = found?.groups?.['port'];
  if (portText === undefined) return host === '' ? undefined : { host, port: undefined };
  const port = parsePort(portText);
  return port === undefined ? undefined : { host, port };
}

/** Reads a decimal port, 1 to 65535, without sign, blanks or leading zeros. */
export function parsePort(text: string): number | undefined {
  if (!/^[1-9]\d{0,4}$/.test(text)) return undefined;
  const port = Number(text);
  return port > MAX_PORT ? undefined : port;
}

/**
 * Reads where a server listens: `192.0.2.1:2055`, `[::]:2055`, or `:2055`, which is `[::]:2055`. The port may be
 * left out: `192.0.2.1`, `[::1]`, `::1`. IPv4-mapped addresses become IPv4. Host names, zones, multicast,
 * the broadcast address and IPv6 link-local addresses (of which each interface has its own) are refused.
 */
export function parseBindAddress(text: string): BindAddress | undefined {
  const parts = splitHostAndPort(text);
  if (parts === undefined) return undefined;
  const octets = parseAddress(parts.host === '' ? '::' : parts.host);
  if (octets === undefined || !isBindable(octets)) return undefined;
  return { octets, port: parts.port };
}

/** Reads the same as parseBindAddress, but the port is required. */
export function parseListenAddress(text: string): SocketAddress | undefined {
  const address = parseBindAddress(text);
  if (address?.port === undefined) return undefined;
  return { octets: address.octets, port: address.port };
}

/** `192.0.2.1:2055`, `[::]:2055`. */
export function formatSocketAddress({ octets, port }: SocketAddress): string {
  const host = formatAddress(octets);
  return octets.length === 16 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Prints the same; without port the bare address. */
export function formatBindAddress({ octets, port }: BindAddress): string {
  return port === undefined ? formatAddress(octets) : formatSocketAddress({ octets, port });
}

/** Whether a unicast socket can be bound to it; with an interface it could be to others as well. */
function isBindable(octets: Octets): boolean {
  const kind = addressKind(octets);
  return kind !== 'multicast' && kind !== 'broadcast' && !needsInterface(octets);
}

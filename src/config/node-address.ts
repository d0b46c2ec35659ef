import { splitHostAndPort } from './socket-address.ts';

/** Where the API of another node is. */
export interface NodeAddress {
  /** As it is shown and put into requests: `192.0.2.1:8853`, `[2001:db8::1]:8853`, `name:8853`. */
  readonly target: string;
  /** An IP address, without brackets, or a host name. */
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`; undefined for anything else. */
export function parseNodeAddress(text: string): NodeAddress | undefined {
  const { host, port } = splitHostAndPort(text) ?? {};
  if (host === undefined || port === undefined || !/^[\w.:-]+$/.test(host)) return undefined;
  return { host, port, target: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` };
}

/** Endpoint messages of proto/floxy.proto, written and read: one spelling of each address (spec E1 to E4). */
import type { Problem } from '../base/errors.ts';
import { canonicalOctets, type Octets, parseAddress } from '../model/address.ts';
import { type Endpoint, MAX_PORT, makeEndpoint } from '../model/endpoint.ts';

export interface EndpointMessage {
  readonly host?: string;
  readonly octets?: Uint8Array;
  readonly port?: number;
}

/** Which field of Endpoint an answer carries: `host` or `octets` (spec E4). */
export type AddressFormat = 'text' | 'binary';

/** A message as it comes from outside: any field of it can be missing, and nothing of it is checked. */
export type Unchecked<T> = T extends string | number | boolean | Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Unchecked<Item>[]
    : { readonly [Name in keyof T]?: Unchecked<T[Name]> | null | undefined };

/** Spec E3: without the port when there is none. */
export function endpointMessage(
  { host, octets, port }: Endpoint,
  format: AddressFormat,
): EndpointMessage {
  const address = format === 'binary' ? { octets } : { host };
  return port === 0 ? address : { ...address, port };
}

/** Stands in for an endpoint with a problem; whoever finds problems uses nothing of what was read. */
const NO_ENDPOINT: Endpoint = makeEndpoint(new Uint8Array(4), 0);

/** @param problems gets what is wrong, with the path of the place */
export function readEndpoint(
  message: Unchecked<EndpointMessage> | null | undefined,
  path: string,
  problems: Problem[],
): Endpoint {
  if (!message) {
    problems.push({ path, message: 'missing' });
    return NO_ENDPOINT;
  }
  const octets = readAddress(message, path, problems);
  const port = readPort(message.port ?? 0, path, problems);
  return octets === undefined ? NO_ENDPOINT : makeEndpoint(octets, port);
}

function readAddress(
  { host, octets }: Unchecked<EndpointMessage>,
  path: string,
  problems: Problem[],
): Octets | undefined {
  if (typeof host === 'string') {
    // On the wire both can be there, and which of them came last cannot be told.
    if (octets)
      problems.push({ path, message: 'host and octets are both there, give one of them' });
    return readHost(host, path, problems);
  }
  if (octets) return readOctets(octets, path, problems);
  problems.push({ path, message: 'host or octets is needed' });
  return undefined;
}

function readHost(host: string, path: string, problems: Problem[]): Octets | undefined {
  const octets = parseAddress(host);
  if (octets === undefined) {
    const message = `${JSON.stringify(host)} is not an IPv4 or IPv6 address (host names and zones are not supported)`;
    problems.push({ path: `${path}.host`, message });
  }
  return octets;
}

function readOctets(octets: Uint8Array, path: string, problems: Problem[]): Octets | undefined {
  const { length } = octets;
  // A copy: they can be a view of the whole request.
  if (length === 4 || length === 16) return canonicalOctets(Uint8Array.from(octets));
  problems.push({ path: `${path}.octets`, message: `${length} bytes, must be 4 or 16` });
  return undefined;
}

function readPort(port: number, path: string, problems: Problem[]): number {
  if (Number.isInteger(port) && port >= 0 && port <= MAX_PORT) return port;
  problems.push({ path: `${path}.port`, message: `${port} is not within 0 to ${MAX_PORT}` });
  return 0;
}

/** Exporters as people write them, and as exporterKey() prints them. */
import { type Octets, parseAddress } from '../model/address.ts';
import { makeEndpoint } from '../model/endpoint.ts';
import type { Exporter } from '../model/rules.ts';
import { parsePort, splitHostAndPort } from './socket-address.ts';

/** What is allowed, for messages. */
export const EXPORTER_FORMS =
  'an IP address or prefix, with or without a port, and @ before a port of the proxy: 192.0.2.1, 192.0.2.1:1000, [2001:db8::1]:1000, 10.20.0.0/16, [2001:db8::/32]:2055, 10.20.0.0/16@9995';

/**
 * Reads `192.0.2.1:1000`, `[2001:db8::1]:1000`, `10.20.0.0/16`, `10.20.0.0/16:2055`, `[2001:db8::/32]:2055`, each with or
 * without `@9995` behind it: the port of the proxy to which packets come. Bits behind a prefix are not looked at.
 *
 * @returns undefined for anything else
 */
export function parseExporterText(text: string): Exporter | undefined {
  const [source = '', listening, ...more] = text.split('@');
  const listeningPort = listening === undefined ? undefined : parsePort(listening);
  if (more.length > 0 || (listening !== undefined && listeningPort === undefined)) return undefined;
  const parts = splitHostAndPort(source);
  if (parts === undefined) return undefined;
  const [address = '', length, ...rest] = parts.host.split('/');
  const octets = parseAddress(address);
  if (octets === undefined || rest.length > 0) return undefined;
  const bits = length === undefined ? octets.length * 8 : prefixBits(address, octets, length);
  if (bits === undefined) return undefined;
  return {
    endpoint: makeEndpoint(octets, parts.port ?? 0),
    ...(bits < octets.length * 8 && { prefixLength: bits }),
    ...(listeningPort !== undefined && { listeningPort }),
  };
}

/** Of an IPv4-mapped address they are those of IPv4 (spec R18). */
function prefixBits(address: string, octets: Octets, length: string): number | undefined {
  if (!/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const written = address.includes(':') ? 128 : 32;
  const bits = Number(length) - (written - octets.length * 8);
  return Number(length) > written || bits < 0 ? undefined : bits;
}

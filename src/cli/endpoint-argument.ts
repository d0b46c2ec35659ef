import { InvalidArgumentError } from 'commander';
import { splitHostAndPort } from '../config/socket-address.ts';
import { formatAddress, parseAddress } from '../model/address.ts';

/** The JSON form of collector.proto.Exporter. */
export type ExporterJson = { readonly endpoint: { readonly host: string; readonly port?: number } };

/**
 * Reads one EXPORTER argument, `192.0.2.1:1000`, `[2001:db8::1]:1000`, or an address alone, and adds it to
 * those before it.
 *
 * @throws InvalidArgumentError (of commander)
 */
export function collectExporter(
  text: string,
  previous: readonly ExporterJson[] | undefined,
): readonly ExporterJson[] {
  const parts = splitHostAndPort(text);
  const octets = parseAddress(parts?.host ?? '');
  if (parts === undefined || octets === undefined) {
    throw new InvalidArgumentError(
      'Exporters are IP addresses with or without a port: 192.0.2.1, 192.0.2.1:1000, [2001:db8::1]:1000.',
    );
  }
  const host = formatAddress(octets);
  const endpoint = parts.port === undefined ? { host } : { host, port: parts.port };
  return [...(previous ?? []), { endpoint }];
}

import { status } from '@grpc/grpc-js';
import { InvalidArgumentError } from 'commander';
import { parsePort, splitHostAndPort } from '../config/socket-address.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import { CallError } from '../protocol/client.ts';
import { CliError } from './exit.ts';

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
  return [...(previous ?? []), parseExporter(text)];
}

/** Reads one EXPORTER argument. @throws InvalidArgumentError (of commander) */
export function parseExporter(text: string): ExporterJson {
  const parts = splitHostAndPort(text);
  const octets = parseAddress(parts?.host ?? '');
  if (parts === undefined || octets === undefined) {
    throw new InvalidArgumentError(
      'Exporters are IP addresses with or without a port: 192.0.2.1, 192.0.2.1:1000, [2001:db8::1]:1000.',
    );
  }
  const host = formatAddress(octets);
  return { endpoint: parts.port === undefined ? { host } : { host, port: parts.port } };
}

/**
 * An exporter that has no rule may have been meant with a port: `fd10::3:3000` is an address too.
 *
 * @returns the error, and what may be meant, when the service did not find one of the exporters
 */
export function withBracketHint(error: unknown, exporters: readonly ExporterJson[]): unknown {
  if (!(error instanceof CliError && error.cause instanceof CallError)) return error;
  if (error.cause.code !== status.NOT_FOUND) return error;
  const meant = exporters.flatMap(({ endpoint: { host, port } }) => {
    return port === undefined ? (splitLastGroup(host) ?? []) : [];
  });
  if (meant.length === 0) return error;
  return new CliError(error.exitCode, `${error.message}; did you mean ${meant.join(', ')}?`, {
    cause: error,
  });
}

/** `fd10::3:3000` → `[fd10::3]:3000`, where the last group can be a port and the rest is an address. */
function splitLastGroup(host: string): string | undefined {
  const [, before = '', last = ''] = /^(.*):(\d{1,5})$/.exec(host) ?? [];
  const address = before.endsWith(':') ? `${before}:` : before;
  if (parsePort(last) === undefined || !address.includes(':')) return undefined;
  return parseAddress(address) === undefined ? undefined : `[${address}]:${last}`;
}

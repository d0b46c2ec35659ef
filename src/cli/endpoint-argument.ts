import { status } from '@grpc/grpc-js';
import { InvalidArgumentError } from 'commander';
import { EXPORTER_FORMS, parseExporterText } from '../config/exporter-text.ts';
import { parsePort } from '../config/socket-address.ts';
import { parseAddress } from '../model/address.ts';
import { CallError } from '../protocol/client.ts';
import { CliError } from './exit.ts';

/** The JSON form of collector.proto.Exporter. */
export type ExporterJson = {
  readonly endpoint: EndpointJson;
  readonly prefixLength?: number;
  readonly listeningPort?: number;
};

/** The JSON form of collector.proto.Endpoint. */
export type EndpointJson = { readonly host: string; readonly port?: number };

/**
 * Reads one EXPORTER argument, as exporterKey() prints it, and adds it to those before it.
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
  const exporter = parseExporterText(text);
  if (exporter === undefined) throw new InvalidArgumentError(`An exporter is ${EXPORTER_FORMS}.`);
  const { endpoint, prefixLength, listeningPort } = exporter;
  const { host, port } = endpoint;
  return {
    endpoint: { host, ...(port !== 0 && { port }) },
    ...(prefixLength !== undefined && { prefixLength }),
    ...(listeningPort !== undefined && { listeningPort }),
  };
}

/** Reads an address with or without a port. @returns undefined for anything else */
export function parseEndpointJson(text: string): EndpointJson | undefined {
  const exporter = parseExporterText(text);
  if (exporter === undefined || exporter.listeningPort !== undefined || text.includes('/'))
    return undefined;
  const { host, port } = exporter.endpoint;
  return { host, ...(port !== 0 && { port }) };
}

/**
 * An exporter that has no rule may have been meant with a port: `fd10::3:3000` is an address too.
 *
 * @returns the error, and what may be meant, when the service did not find one of the exporters
 */
export function withBracketHint(error: unknown, exporters: readonly ExporterJson[]): unknown {
  if (!(error instanceof CliError && error.cause instanceof CallError)) return error;
  if (error.cause.code !== status.NOT_FOUND) return error;
  const meant = exporters.flatMap(({ endpoint: { host, port }, prefixLength }) => {
    return (port ?? prefixLength) === undefined ? (splitLastGroup(host) ?? []) : [];
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

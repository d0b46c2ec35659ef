import type { EndpointMessage } from '../rules/endpoint-message.ts';
import type { ExporterMessage } from '../rules/message.ts';
import type { Shown } from './shown.ts';

/** `192.0.2.1:2055`, `[2001:db8::1]:2055`, or the address alone: as commands take it. */
export function endpointText(
  endpoint: Shown<Pick<EndpointMessage, 'host' | 'port'>> | undefined,
): string {
  return endpointOrPrefixText(endpoint, '');
}

/** The same of an exporter: `10.20.0.0/16`, `[2001:db8::/32]:2055`, `192.0.2.1@9995`. */
export function exporterText(exporter: Shown<ExporterMessage> | undefined): string {
  const { endpoint, prefixLength, listeningPort } = exporter ?? {};
  const text = endpointOrPrefixText(endpoint, prefixLength === undefined ? '' : `/${prefixLength}`);
  return listeningPort === undefined ? text : `${text}@${listeningPort}`;
}

function endpointOrPrefixText(
  endpoint: Shown<Pick<EndpointMessage, 'host' | 'port'>> | undefined,
  prefix: string,
): string {
  const { host = '', port } = endpoint ?? {};
  if (port === undefined) return `${host}${prefix}`;
  return host.includes(':') ? `[${host}${prefix}]:${port}` : `${host}${prefix}:${port}`;
}

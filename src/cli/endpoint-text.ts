import type { EndpointMessage } from '../rules/endpoint-message.ts';
import type { Shown } from './shown.ts';

/** `192.0.2.1:2055`, `[2001:db8::1]:2055`, or the address alone: as commands take it. */
export function endpointText(
  endpoint: Shown<Pick<EndpointMessage, 'host' | 'port'>> | undefined,
): string {
  const { host = '', port } = endpoint ?? {};
  if (port === undefined) return host;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

import type { Logger } from 'pino';
import type { ApiConfig } from '../config/config.ts';
import { addressKind } from '../model/address-kind.ts';

export interface ServedAccess {
  readonly config: ApiConfig;
  /** `host:port` */
  readonly address: string;
  /** How many there are. */
  readonly tokens: number;
}

/** Says in the log where the API is, and who can do what by it. */
export function tellOfAccess({ config, address, tokens }: ServedAccess, log: Logger): void {
  const { socket, tls, access } = config;
  const details = { address, socket: socket?.path, tls: tls !== undefined };
  log.info({ ...details, access: access.hasRoles ? 'roles' : 'open', tokens }, 'API is served');
  if (access.hasRoles) return;
  log.warn({ who: reachOf(config) }, 'the API is open: who reaches it can change all rules');
}

function reachOf({ octets, tls }: ApiConfig): string {
  if (tls?.clientCaPath !== undefined) return 'everybody with a certificate of the client CA';
  return addressKind(octets) === 'loopback'
    ? 'every user of this host (COLLECTOR_API_ACCESS=roles changes that)'
    : 'everybody on the network (COLLECTOR_API_ACCESS=roles changes that)';
}

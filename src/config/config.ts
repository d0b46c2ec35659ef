import path from 'node:path';
import type { Octets } from '../model/address.ts';
import { problemsOf, withoutEmpty } from './environment.ts';
import { type FollowConfig, ownApiProblems, readFollow } from './follow.ts';
import { hostSystem } from './host-system.ts';
import { ConfigError } from './problem.ts';
import { apiSchema, type System, settingsSchema, tlsSchema } from './schema.ts';
import type { SocketAddress } from './socket-address.ts';
import { missingTlsVariables, tlsContentProblems } from './tls.ts';
import type { ForwarderUser } from './user.ts';

export type { FollowConfig } from './follow.ts';
export { ConfigError, type ConfigProblem, formatProblems } from './problem.ts';
export type { System } from './schema.ts';
export type { SocketAddress } from './socket-address.ts';
export type { ForwarderUser } from './user.ts';
export { type UnknownVariable, unknownVariables } from './variables.ts';

/** The settings of the service, read from the environment. Table: README.md. */
export interface Config {
  /** Where flow is received; undefined = the proxy is off. */
  readonly listen: SocketAddress | undefined;
  readonly packetBufferBytes: number;
  readonly forwarders: number;
  readonly api: SocketAddress & { readonly tls: TlsConfig | undefined };
  /** Absolute. */
  readonly databasePath: string;
  /** One of pino's levels, or `silent`. */
  readonly logLevel: string;
  /** Kernel receive buffer of each forwarder's socket, in bytes. */
  readonly receiveBufferBytes: number;
  /** Kernel send buffer of each raw socket, in bytes. */
  readonly sendBufferBytes: number;
  /** The 12 bytes before an IPv4 source address on its way to an IPv6 collector (spec R6). */
  readonly ipv4SourcePrefix: Octets;
  /** 0 = no test datagrams. */
  readonly probeIntervalMs: number;
  /** How long forwarders go on without control, in ms; 0 = they end with it. */
  readonly orphanLimitMs: number;
  /** Where forwarders can be taken over by the next control. */
  readonly runtimeDirectory: string;
  /** Whom forwarders run as when the service is started as root. */
  readonly forwarderUser: ForwarderUser;
  /** How long SIGTERM may take to wait until no more packets come; 0 = it does not drain. */
  readonly drainSeconds: number;
  /** The node whose rules this one takes over; undefined = its rules are its own. */
  readonly follow: FollowConfig | undefined;
}

/** Absolute paths of PEM files that could be read and fit together when the settings were read. */
export interface TlsConfig {
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Clients must show a certificate signed by one of these when set. */
  readonly clientCaPath: string | undefined;
}

/**
 * Reads the settings. An empty variable counts as not set. Touches nothing.
 *
 * @param system replaces parts of the host in tests
 * @throws ConfigError with all problems at once
 */
export function readConfig(env: NodeJS.ProcessEnv, system: Partial<System> = {}): Config {
  const present = withoutEmpty(env);
  const host = { ...hostSystem(), ...system };
  const parsed = settingsSchema(host).safeParse(present);
  const parsedTls = tlsSchema(host).safeParse(present);
  const files = {
    certificatePath: parsedTls.data?.COLLECTOR_API_TLS_CERTIFICATE,
    keyPath: parsedTls.data?.COLLECTOR_API_TLS_KEY,
    clientCaPath: parsedTls.data?.COLLECTOR_API_TLS_CLIENT_CA,
  };
  const { follow, problems: followProblems } = readFollow(present, host);
  const problems = [
    ...problemsOf(parsed.error, present),
    ...problemsOf(parsedTls.error, present),
    ...missingTlsVariables((variable) => present[variable] !== undefined),
    ...tlsContentProblems(files),
    ...followProblems,
    ...(parsed.success ? ownApiProblems(follow, apiAddress(parsed.data)) : []),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const settings = parsed.data;
  const { certificatePath, keyPath, clientCaPath } = files;
  const hasTls = certificatePath !== undefined && keyPath !== undefined;
  return {
    listen: settings.COLLECTOR_FLOXY_ADDRESS,
    packetBufferBytes: settings.COLLECTOR_FLOXY_PACKET_BUFFER_SIZE,
    forwarders: settings.COLLECTOR_FLOXY_THREAD_COUNT,
    api: {
      ...apiAddress(settings),
      tls: hasTls ? { certificatePath, keyPath, clientCaPath } : undefined,
    },
    databasePath: settings.COLLECTOR_DATABASE_PATH,
    logLevel: settings.COLLECTOR_LOG_LEVEL,
    receiveBufferBytes: settings.COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES,
    sendBufferBytes: settings.COLLECTOR_FLOXY_SEND_BUFFER_BYTES,
    ipv4SourcePrefix: settings.COLLECTOR_FLOXY_IPV4_SOURCE_PREFIX,
    forwarderUser: settings.COLLECTOR_FLOXY_USER,
    drainSeconds: settings.COLLECTOR_FLOXY_DRAIN_SECONDS,
    follow,
    probeIntervalMs: settings.COLLECTOR_FLOXY_PROBE_INTERVAL_MS,
    orphanLimitMs: settings.COLLECTOR_FLOXY_ORPHAN_SECONDS * 1000,
    runtimeDirectory:
      settings.COLLECTOR_FLOXY_RUNTIME_DIRECTORY ?? path.dirname(settings.COLLECTOR_DATABASE_PATH),
  };
}

/**
 * Reads where the gRPC API listens and nothing else: what a client on the same host needs.
 *
 * @throws ConfigError with all problems of these two variables
 */
export function readApiAddress(env: NodeJS.ProcessEnv): SocketAddress {
  const present = withoutEmpty(env);
  const parsed = apiSchema.safeParse(present);
  if (!parsed.success) throw new ConfigError(problemsOf(parsed.error, present));
  return apiAddress(parsed.data);
}

function apiAddress(settings: {
  readonly COLLECTOR_API_ADDRESS: { readonly octets: Octets; readonly port: number | undefined };
  readonly COLLECTOR_BACKEND_METRICS_PORT: number;
}): SocketAddress {
  const { octets, port } = settings.COLLECTOR_API_ADDRESS;
  return { octets, port: port ?? settings.COLLECTOR_BACKEND_METRICS_PORT };
}

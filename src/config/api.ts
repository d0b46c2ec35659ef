/** Settings of the gRPC API. */
import path from 'node:path';

import { addressKind } from '../model/address-kind.ts';
import {
  ACCESS_SETTINGS,
  type AccessConfig,
  type ApiSocketConfig,
  accessProblems,
  toAccessConfig,
  toApiSocket,
  withSocketPath,
} from './access.ts';
import { withoutEmpty } from './environment.ts';
import { hostSystem } from './host-system.ts';
import { choice, parsed, READABLE_FILE } from './kinds.ts';
import { ConfigError, type ConfigProblem } from './problem.ts';
import { PROXY_SETTINGS } from './proxy.ts';
import {
  type Found,
  readSettings,
  type SettingGroup,
  type SettingValues,
  UNSET,
} from './setting.ts';
import {
  formatBindAddress,
  parseBindAddress,
  parsePort,
  type SocketAddress,
} from './socket-address.ts';
import { STORE_SETTINGS } from './store.ts';
import type { System } from './system.ts';
import { authorityProblems, missingVariables, pairProblems } from './tls.ts';

const CERTIFICATE = 'COLLECTOR_API_TLS_CERTIFICATE';
const KEY = 'COLLECTOR_API_TLS_KEY';
const CLIENT_CA = 'COLLECTOR_API_TLS_CLIENT_CA';
const ADDRESS = 'COLLECTOR_API_ADDRESS';
/** It also lets clients send tokens without TLS. */
export const PLAINTEXT = 'COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK';

const ADDRESS_SETTINGS = {
  metricsPort: {
    variable: 'COLLECTOR_BACKEND_METRICS_PORT',
    meaning: 'port of the gRPC API, unless its address names one',
    kind: parsed('a port from 1 to 65535', parsePort),
    default: '8853',
  },
  address: {
    variable: ADDRESS,
    meaning:
      'where the gRPC API is, with or without port; `0.0.0.0`, `[::]` and `:8853` open it to the network, which needs TLS',
    kind: parsed(
      'an IP address with or without a port from 1 to 65535, such as 127.0.0.1:8853 or [::]; no host name, zone, multicast, broadcast or link-local',
      parseBindAddress,
      formatBindAddress,
    ),
    default: '127.0.0.1',
  },
} as const satisfies SettingGroup;

export const API_SETTINGS = {
  ...ADDRESS_SETTINGS,
  certificatePath: {
    variable: CERTIFICATE,
    meaning: 'PEM file; with the key it turns TLS on for the gRPC API',
    kind: READABLE_FILE,
    default: UNSET,
  },
  keyPath: {
    variable: KEY,
    meaning: 'PEM file with the key of the certificate',
    kind: READABLE_FILE,
    default: UNSET,
  },
  clientCaPath: {
    variable: CLIENT_CA,
    meaning: 'PEM file; clients must show a certificate signed by it',
    kind: READABLE_FILE,
    default: UNSET,
  },
  plaintext: {
    variable: PLAINTEXT,
    meaning:
      'allow: the API may be beyond the loopback without TLS, where whoever is on the way can read and change all that is said, tokens too',
    kind: choice(['refuse', 'allow']),
    default: 'refuse',
  },
  ...ACCESS_SETTINGS,
} as const satisfies SettingGroup;

type ApiValues = SettingValues<typeof API_SETTINGS>;
type AddressValues = SettingValues<typeof ADDRESS_SETTINGS>;

/** Where the gRPC API is, whether it speaks TLS, and who may do what. */
export interface ApiConfig extends SocketAddress {
  readonly tls: TlsConfig | undefined;
  readonly socket: ApiSocketConfig | undefined;
  readonly access: AccessConfig;
}

/** Absolute paths of PEM files that could be read and fit together when the settings were read. */
export interface TlsConfig {
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Clients must show a certificate signed by one of these when set. */
  readonly clientCaPath: string | undefined;
}

/** The values, and also what is wrong with them together. @param env without empty variables */
export function readApi(env: NodeJS.ProcessEnv, system: System): Found<typeof API_SETTINGS> {
  const { values, problems } = readSettings(API_SETTINGS, env, system);
  const [certificate, key, ca] = [
    { variable: CERTIFICATE, path: values.certificatePath },
    { variable: KEY, path: values.keyPath },
    { variable: CLIENT_CA, path: values.clientCaPath },
  ] as const;
  const missing = missingVariables(env, [
    { variable: CERTIFICATE, neededBy: [CLIENT_CA, KEY] },
    { variable: KEY, neededBy: [CLIENT_CA, CERTIFICATE] },
  ]);
  const contents = [...pairProblems(certificate, key), ...authorityProblems(ca)];
  const access = [...accessProblems(env, values), ...plaintextProblems(env, values)];
  return { values: withPort(values), problems: [...problems, ...missing, ...contents, ...access] };
}

export function toApiConfig(values: ApiValues): ApiConfig {
  const { certificatePath, keyPath, clientCaPath } = values;
  const hasTls = certificatePath !== undefined && keyPath !== undefined;
  const tls = hasTls ? { certificatePath, keyPath, clientCaPath } : undefined;
  const socket = toApiSocket(values);
  return { ...toSocketAddress(values), tls, socket, access: toAccessConfig(values) };
}

/**
 * Reads where the gRPC API listens and nothing else: what a client on the same host needs.
 *
 * @throws ConfigError with all problems of these two variables
 */
export function readApiAddress(env: NodeJS.ProcessEnv): SocketAddress {
  const { values, problems } = readSettings(ADDRESS_SETTINGS, withoutEmpty(env), hostSystem());
  if (problems.length > 0) throw new ConfigError(problems);
  return toSocketAddress(values as AddressValues);
}

/** A socket that a service with these variables has. */
export interface FoundSocket {
  /** undefined = none. */
  readonly path: string | undefined;
  /** Whether a variable of its own says so. */
  readonly isSet: boolean;
}

/**
 * Reads where the unix socket of the API is and nothing else: what a client on the same host needs.
 *
 * @throws ConfigError
 */
export function readApiSocket(env: NodeJS.ProcessEnv): FoundSocket {
  const { socketPath, socketMode } = ACCESS_SETTINGS;
  const { runtimeDirectory } = PROXY_SETTINGS;
  const group = { socketPath, socketMode, runtimeDirectory, ...STORE_SETTINGS };
  const { values, problems } = readSettings(group, withoutEmpty(env), hostSystem());
  if (problems.length > 0) throw new ConfigError(problems);
  const found = values as SettingValues<typeof group>;
  const runtime = found.runtimeDirectory ?? path.dirname(found.databasePath);
  const socket = toApiSocket(withSocketPath(found, runtime));
  return { path: socket?.path, isSet: found.socketPath !== undefined };
}

/** Rules, and who sends flow, are nobody's business on the way. */
function plaintextProblems(
  env: NodeJS.ProcessEnv,
  { address, plaintext }: Partial<ApiValues>,
): ConfigProblem[] {
  if (address === undefined || plaintext === 'allow' || env[CERTIFICATE] !== undefined) return [];
  if (addressKind(address.octets) === 'loopback') return [];
  const message = `beyond the loopback the API needs TLS: set ${CERTIFICATE} and ${KEY}, or ${PLAINTEXT}=allow if whoever is on the way may read and change all that is said, tokens too`;
  return [{ variable: ADDRESS, value: env[ADDRESS], message }];
}

/** The port of the address wins. */
function withPort<Values extends Partial<AddressValues>>(values: Values): Values {
  const { address, metricsPort } = values;
  const port = address?.port ?? metricsPort;
  return address === undefined
    ? values
    : { ...values, metricsPort: port, address: { ...address, port } };
}

export function toSocketAddress({ address, metricsPort }: AddressValues): SocketAddress {
  return { octets: address.octets, port: address.port ?? metricsPort };
}

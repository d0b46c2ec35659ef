import path from 'node:path';
import { z } from 'zod';
import { parseBindAddress, parseListenAddress, parsePort } from './socket-address.ts';
import { parseSourcePrefix } from './source-prefix.ts';
import { DEFAULT_USER, findUser } from './user.ts';
import type { VariableName } from './variables.ts';

/** What the defaults and checks of settings need to know of the system. */
export interface System {
  /** Relative paths start here. */
  readonly workingDirectory: string;
  availableCores(): number;
  /** The text of /etc/passwd; empty when there is none. */
  readPasswd(): string;
  /** What is wrong with the file, or undefined when it can be read. */
  fileProblem(file: string): string | undefined;
  isDirectory(file: string): boolean;
}

const MAX_FORWARDERS = 256;
const MIN_PACKET_BUFFER_BYTES = 1496;
const MAX_PACKET_BUFFER_BYTES = 65_535;
const MIN_SOCKET_BUFFER_BYTES = 65_536;
const MAX_SOCKET_BUFFER_BYTES = 1024 ** 3;
const DEFAULT_RECEIVE_BUFFER_BYTES = 32 * 1024 ** 2;
const DEFAULT_SEND_BUFFER_BYTES = 4 * 1024 ** 2;
const DEFAULT_PROBE_INTERVAL_MS = 500;
const MAX_PROBE_INTERVAL_MS = 60_000;
const DEFAULT_ORPHAN_SECONDS = 10;
const MAX_ORPHAN_SECONDS = 3600;
const MAX_DRAIN_SECONDS = 3600;
const DEFAULT_API_HOST = '127.0.0.1';
const DEFAULT_API_PORT = 8853;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const LISTEN_ADDRESS =
  'must be an IP address and a port from 1 to 65535, such as 192.0.2.1:2055 or [::]:2055; no host name, zone, multicast or broadcast';
const API_ADDRESS =
  'must be an IP address with or without a port from 1 to 65535, such as 127.0.0.1:8853 or [::]; no host name, zone, multicast or broadcast';

/** The settings of the gRPC API's address alone: what a client on the same host needs. */
export const apiSchema = z.object({
  COLLECTOR_API_ADDRESS: parsed(parseBindAddress, API_ADDRESS).prefault(DEFAULT_API_HOST),
  COLLECTOR_BACKEND_METRICS_PORT: parsed(parsePort, 'must be a port from 1 to 65535').default(
    DEFAULT_API_PORT,
  ),
} satisfies Partial<Record<VariableName, z.ZodType>>);

/** The files of TLS, as absolute paths. */
export function tlsSchema(system: System) {
  return z.object({
    COLLECTOR_API_TLS_CERTIFICATE: readableFile(system).optional(),
    COLLECTOR_API_TLS_KEY: readableFile(system).optional(),
    COLLECTOR_API_TLS_CLIENT_CA: readableFile(system).optional(),
  } satisfies Partial<Record<VariableName, z.ZodType>>);
}

/** The rules for all other variables. Input: the environment with empty strings left out. */
export function settingsSchema(system: System) {
  const absolute = (file: string) => path.resolve(system.workingDirectory, file);
  return apiSchema.extend({
    COLLECTOR_FLOXY_ADDRESS: parsed(parseListenAddress, LISTEN_ADDRESS).optional(),
    COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: integer(
      MIN_PACKET_BUFFER_BYTES,
      MAX_PACKET_BUFFER_BYTES,
    ).default(MIN_PACKET_BUFFER_BYTES),
    COLLECTOR_FLOXY_THREAD_COUNT: integer(1, MAX_FORWARDERS).default(() =>
      Math.min(MAX_FORWARDERS, system.availableCores()),
    ),
    COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES: socketBuffer(DEFAULT_RECEIVE_BUFFER_BYTES),
    COLLECTOR_FLOXY_SEND_BUFFER_BYTES: socketBuffer(DEFAULT_SEND_BUFFER_BYTES),
    COLLECTOR_FLOXY_IPV4_SOURCE_PREFIX: parsed(
      parseSourcePrefix,
      'must be an IPv6 prefix of 96 bits whose last 32 bits are zero, such as 64:ff9b::/96',
    ).prefault('::ffff:0:0/96'),
    COLLECTOR_FLOXY_USER: parsed(
      (text) => findUser(text, system.readPasswd()),
      'must be a name or user id that is in /etc/passwd and has neither user id nor group id 0',
    ).prefault(DEFAULT_USER),
    COLLECTOR_FLOXY_PROBE_INTERVAL_MS: integer(0, MAX_PROBE_INTERVAL_MS).default(
      DEFAULT_PROBE_INTERVAL_MS,
    ),
    COLLECTOR_FLOXY_ORPHAN_SECONDS: integer(0, MAX_ORPHAN_SECONDS).default(DEFAULT_ORPHAN_SECONDS),
    COLLECTOR_FLOXY_RUNTIME_DIRECTORY: z.string().transform(absolute).optional(),
    COLLECTOR_FLOXY_DRAIN_SECONDS: integer(0, MAX_DRAIN_SECONDS).default(0),
    COLLECTOR_DATABASE_PATH: parsed(
      (text) =>
        text.endsWith('/') || system.isDirectory(absolute(text)) ? undefined : absolute(text),
      'must be the path of a file, but this is a directory',
    ).prefault('data/collector.db'),
    COLLECTOR_LOG_LEVEL: logLevel(),
  } satisfies Partial<Record<VariableName, z.ZodType>>);
}

export function logLevel() {
  return z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info');
}

/** Decimal digits only: no sign, blanks, hexadecimal or exponent. */
export function integer(min: number, max: number) {
  return parsed((text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  }, `must be a whole number from ${min} to ${max}`);
}

function socketBuffer(defaultBytes: number) {
  return integer(MIN_SOCKET_BUFFER_BYTES, MAX_SOCKET_BUFFER_BYTES).default(defaultBytes);
}

/** A file that can be read, as its absolute path. */
export function readableFile(system: System) {
  return z.string().transform((text, context) => {
    const file = path.resolve(system.workingDirectory, text);
    const problem = system.fileProblem(file);
    if (problem === undefined) return file;
    context.addIssue(`must be a file that the service can read: ${problem}`);
    return z.NEVER;
  });
}

/** A setting whose parser answers undefined for what is not allowed. */
export function parsed<T>(parse: (text: string) => T | undefined, allowed: string) {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue(allowed);
    return z.NEVER;
  });
}

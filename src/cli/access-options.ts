import { type Command, InvalidArgumentError } from 'commander';
import { PLAINTEXT, readApiAddress } from '../config/api.ts';
import { formatSocketAddress, splitHostAndPort } from '../config/socket-address.ts';
import { addressKind } from '../model/address-kind.ts';
import { bearerOf, readBearer } from '../protocol/bearer.ts';
import type { ClientTarget } from '../protocol/client.ts';
import type { ApiAccess } from './api-client.ts';
import { CliError, EXIT } from './exit.ts';
import { findLocalSocket } from './local-socket.ts';

/** Where an API is, as the command line says it. */
export interface Target {
  readonly host: string;
  readonly port: number | undefined;
}

/** The options of every command that calls the API. */
interface AccessOptions {
  readonly api?: Target;
  readonly timeout: number;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  readonly tokenFile?: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_TIMEOUT_SECONDS = 86_400;

/** Adds the options; they may stand before or after the command's name. */
export function addAccessOptions(program: Command): void {
  program
    .option(
      '--api <host:port>',
      'where the API is (default: the unix socket of the service on this host, or COLLECTOR_API_ADDRESS and COLLECTOR_BACKEND_METRICS_PORT, as for the service)',
      parseTarget,
    )
    .option('--timeout <seconds>', 'how long to wait for an answer (default: 30)', parseTimeout)
    .option('--tls', 'use TLS; the following options imply it')
    .option(
      '--tls-ca <file>',
      'PEM file with the authorities that may sign the certificate of the API',
    )
    .option('--tls-certificate <file>', 'PEM file with the certificate to show to the API')
    .option('--tls-key <file>', 'PEM file with the key of that certificate')
    .option('--tls-server-name <name>', 'name to expect in the certificate of the API')
    .option(
      '--token-file <file>',
      'file with the token to send (default: the token in FLOXY_TOKEN)',
    );
}

/**
 * Reads the options of a command that calls the API.
 *
 * @throws CliError
 */
export function readAccess(command: Command, env: NodeJS.ProcessEnv): ApiAccess {
  const options = command.optsWithGlobals<AccessOptions>();
  const tls = tlsOf(options);
  const target = targetOf(options, env, tls !== undefined);
  const authorization = authorizationOf(options, env);
  if (authorization !== undefined) checkSecret({ target, tls }, env);
  return { target, timeoutMs: options.timeout ?? DEFAULT_TIMEOUT_MS, tls, authorization };
}

/**
 * How to talk to the API of another node: as to that of this one, at another address.
 *
 * @throws ConfigError
 */
export function readPeerAccess(
  access: ApiAccess,
  { host, port }: Target,
  env: NodeJS.ProcessEnv,
): ApiAccess {
  const peer = { ...access, target: joinTarget(host, port ?? readApiAddress(env).port) };
  if (peer.authorization !== undefined) checkSecret(peer, env);
  return peer;
}

/** @throws FloxyError INVALID_INPUT */
function authorizationOf({ tokenFile }: AccessOptions, env: NodeJS.ProcessEnv): string | undefined {
  if (tokenFile !== undefined) return readBearer(tokenFile);
  const token = env['FLOXY_TOKEN'];
  return token ? bearerOf(token, 'FLOXY_TOKEN') : undefined;
}

/** Whoever is on the way could use the token. @throws CliError */
function checkSecret({ target, tls }: ClientTarget, env: NodeJS.ProcessEnv): void {
  const isLocal = /^unix:|^(localhost|127(\.\d+){3}|\[::1\]):\d+$/.test(target);
  if (tls !== undefined || isLocal || env[PLAINTEXT] === 'allow') return;
  const message = `the token would go to ${target} for everybody on the way to read: use --tls, or set ${PLAINTEXT}=allow if they may`;
  throw new CliError(EXIT.usage, message);
}

function targetOf({ api }: AccessOptions, env: NodeJS.ProcessEnv, usesTls: boolean): string {
  if (api?.port !== undefined) return joinTarget(api.host, api.port);
  const socket = api === undefined && !usesTls ? findLocalSocket(env) : undefined;
  if (socket !== undefined) return `unix:${socket}`;
  const served = readApiAddress(env);
  if (api !== undefined) return joinTarget(api.host, served.port);
  const isWildcard = addressKind(served.octets) === 'unspecified';
  // A server on [::] takes IPv4 as well, also where the loopback interface has no IPv6 address.
  return isWildcard ? joinTarget('127.0.0.1', served.port) : formatSocketAddress(served);
}

function joinTarget(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function tlsOf(options: AccessOptions): ApiAccess['tls'] {
  const { tls, tlsCa, tlsCertificate, tlsKey, tlsServerName } = options;
  if ((tlsCertificate === undefined) !== (tlsKey === undefined)) {
    throw new CliError(EXIT.usage, '--tls-certificate and --tls-key go together');
  }
  if (!tls && (tlsCa ?? tlsCertificate ?? tlsServerName) === undefined) return undefined;
  return {
    caPath: tlsCa,
    certificatePath: tlsCertificate,
    keyPath: tlsKey,
    serverName: tlsServerName,
  };
}

/** @throws InvalidArgumentError (of commander) */
export function parseTarget(text: string): Target {
  const target = splitHostAndPort(text);
  if (target !== undefined && /^[\w.:-]+$/.test(target.host)) return target;
  throw new InvalidArgumentError('Give host:port, such as 192.0.2.1:8853 or [2001:db8::1]:8853.');
}

function parseTimeout(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS) return Math.ceil(seconds * 1000);
  throw new InvalidArgumentError(`Give seconds, above 0 and up to ${MAX_TIMEOUT_SECONDS}.`);
}

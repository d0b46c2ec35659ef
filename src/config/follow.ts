import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { messageOf } from '../base/errors.ts';
import { type Octets, parseAddress } from '../model/address.ts';
import { problemsOf } from './environment.ts';
import type { ConfigProblem } from './problem.ts';
import { parsed, readableFile, type System } from './schema.ts';
import { type SocketAddress, splitHostAndPort } from './socket-address.ts';
import type { VariableName } from './variables.ts';

/** The node whose rules this one takes over. */
export interface FollowConfig {
  /** As it is shown and put into requests: `192.0.2.1:8853`, `[2001:db8::1]:8853`, `name:8853`. */
  readonly target: string;
  /** An IP address, without brackets, or a host name. */
  readonly host: string;
  readonly port: number;
  /** undefined = no TLS. */
  readonly tls: FollowTls | undefined;
}

/** Absolute paths of PEM files. */
export interface FollowTls {
  /** The authorities that may sign the leader's certificate. */
  readonly caPath: string;
  /** What to show to the leader; both or none. */
  readonly certificatePath: string | undefined;
  readonly keyPath: string | undefined;
}

const LEADER = 'COLLECTOR_FLOXY_FOLLOW';
const CA = 'COLLECTOR_FLOXY_FOLLOW_TLS_CA';
const CERTIFICATE = 'COLLECTOR_FLOXY_FOLLOW_TLS_CERTIFICATE';
const KEY = 'COLLECTOR_FLOXY_FOLLOW_TLS_KEY';

/**
 * Reads the settings of a follower.
 *
 * @param env without empty variables
 */
export function readFollow(
  env: NodeJS.ProcessEnv,
  system: System,
): { readonly follow: FollowConfig | undefined; readonly problems: readonly ConfigProblem[] } {
  const schema = z.object({
    COLLECTOR_FLOXY_FOLLOW: parsed(
      parseLeader,
      'must be host:port of the API of another node, such as 192.0.2.1:8853, [2001:db8::1]:8853 or node1:8853',
    ).optional(),
    COLLECTOR_FLOXY_FOLLOW_TLS_CA: readableFile(system).optional(),
    COLLECTOR_FLOXY_FOLLOW_TLS_CERTIFICATE: readableFile(system).optional(),
    COLLECTOR_FLOXY_FOLLOW_TLS_KEY: readableFile(system).optional(),
  } satisfies Partial<Record<VariableName, z.ZodType>>);
  const result = schema.safeParse(env);
  const problems = [...problemsOf(result.error, env), ...missingVariables(env)];
  if (!result.success || problems.length > 0) return { follow: undefined, problems };
  const {
    [LEADER]: leader,
    [CA]: caPath,
    [CERTIFICATE]: certificatePath,
    [KEY]: keyPath,
  } = result.data;
  if (leader === undefined) return { follow: undefined, problems: [] };
  const tls = caPath === undefined ? undefined : { caPath, certificatePath, keyPath };
  return { follow: { ...leader, tls }, problems: tls ? contentProblems(tls) : [] };
}

/** What is wrong with a leader that is this very node: nobody could change its rules. */
export function ownApiProblems(
  follow: FollowConfig | undefined,
  api: SocketAddress,
): ConfigProblem[] {
  if (follow === undefined || follow.port !== api.port) return [];
  const octets = parseAddress(follow.host);
  if (octets === undefined) return [];
  const isWildcard = api.octets.every((octet) => octet === 0);
  const isOwn = isWildcard
    ? isLoopbackAddress(octets)
    : Buffer.from(octets).equals(Uint8Array.from(api.octets));
  const message = "must be another node's API, and this is where the API of this one is";
  return isOwn ? [{ variable: LEADER, value: follow.target, message }] : [];
}

function isLoopbackAddress(octets: Octets): boolean {
  if (octets.length === 4) return octets[0] === 127;
  return octets.every((octet, i) => octet === (i === 15 ? 1 : 0));
}

function parseLeader(text: string): Omit<FollowConfig, 'tls'> | undefined {
  const { host, port } = splitHostAndPort(text) ?? {};
  if (host === undefined || port === undefined || !/^[\w.:-]+$/.test(host)) return undefined;
  return { host, port, target: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` };
}

/** Which of the variables are missing beside those that are set. */
function missingVariables(env: NodeJS.ProcessEnv): ConfigProblem[] {
  const needed = [
    { variable: LEADER, by: [CA, CERTIFICATE, KEY] },
    { variable: CA, by: [CERTIFICATE, KEY] },
    { variable: CERTIFICATE, by: [KEY] },
    { variable: KEY, by: [CERTIFICATE] },
  ];
  return needed.flatMap(({ variable, by }) => {
    const wanted = by.find((name) => env[name] !== undefined);
    if (env[variable] !== undefined || wanted === undefined) return [];
    return [{ variable, value: undefined, message: `it is needed because ${wanted} is set` }];
  });
}

function contentProblems({ caPath, certificatePath, keyPath }: FollowTls): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const check = (variable: string, value: string, allowed: string, use: () => unknown) => {
    try {
      use();
    } catch (error) {
      problems.push({ variable, value, message: `${allowed}: ${messageOf(error)}` });
    }
  };
  check(CA, caPath, 'must be certificates in PEM', () => {
    return new X509Certificate(readFileSync(caPath));
  });
  if (certificatePath === undefined || keyPath === undefined) return problems;
  const allowed = 'must be a certificate in PEM that belongs to the key';
  check(CERTIFICATE, certificatePath, allowed, () =>
    createSecureContext({ cert: readFileSync(certificatePath), key: readFileSync(keyPath) }),
  );
  return problems;
}

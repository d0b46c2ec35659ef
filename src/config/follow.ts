import { parseAddress } from '../model/address.ts';
import { addressKind } from '../model/address-kind.ts';
import { parsed, READABLE_FILE } from './kinds.ts';
import { type NodeAddress, parseNodeAddress } from './node-address.ts';
import type { ConfigProblem } from './problem.ts';
import {
  type Found,
  readSettings,
  type SettingGroup,
  type SettingValues,
  UNSET,
} from './setting.ts';
import type { SocketAddress } from './socket-address.ts';
import type { System } from './system.ts';
import { authorityProblems, missingVariables, pairProblems } from './tls.ts';

/** The node whose rules this one takes over. */
export interface FollowConfig extends NodeAddress {
  /** undefined = no TLS. */
  readonly tls: FollowTls | undefined;
  /** File with the token to send; undefined = none. */
  readonly tokenPath: string | undefined;
}

/** TLS towards other nodes, whoever they are. Absolute paths of PEM files. */
export interface FollowTls {
  /** The authorities that may sign their certificates. */
  readonly caPath: string;
  /** What to show to them; both or none. */
  readonly certificatePath: string | undefined;
  readonly keyPath: string | undefined;
}

const LEADER = 'COLLECTOR_FLOXY_FOLLOW';
const CA = 'COLLECTOR_FLOXY_FOLLOW_TLS_CA';
const CERTIFICATE = 'COLLECTOR_FLOXY_FOLLOW_TLS_CERTIFICATE';
const KEY = 'COLLECTOR_FLOXY_FOLLOW_TLS_KEY';
const TOKEN = 'COLLECTOR_FLOXY_FOLLOW_TOKEN_FILE';
const PLAINTEXT = 'COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK';

/** Settings of a node that follows another. */
export const FOLLOW_SETTINGS = {
  leader: {
    variable: LEADER,
    meaning: 'the API of another node, whose rules this one takes over',
    kind: parsed(
      'host:port of the API of another node, such as 192.0.2.1:8853, [2001:db8::1]:8853 or node1:8853',
      parseNodeAddress,
      ({ target }) => target,
    ),
    default: UNSET,
  },
  caPath: {
    variable: CA,
    meaning:
      'PEM file; turns TLS on towards that node, and others that are asked for templates, whose certificates it must have signed',
    kind: READABLE_FILE,
    default: UNSET,
  },
  certificatePath: {
    variable: CERTIFICATE,
    meaning: 'PEM file with the certificate to show to these nodes',
    kind: READABLE_FILE,
    default: UNSET,
  },
  keyPath: {
    variable: KEY,
    meaning: 'PEM file with the key of that certificate',
    kind: READABLE_FILE,
    default: UNSET,
  },
  tokenPath: {
    variable: TOKEN,
    meaning:
      'file with the token to send to that node, and with TLS to others that are asked for templates; read again for each connection',
    kind: READABLE_FILE,
    default: UNSET,
  },
} as const satisfies SettingGroup;

/** The values, and also what is wrong with them together. @param env without empty variables */
export function readFollow(env: NodeJS.ProcessEnv, system: System): Found<typeof FOLLOW_SETTINGS> {
  const { values, problems } = readSettings(FOLLOW_SETTINGS, env, system);
  const missing = missingVariables(env, [
    { variable: CA, neededBy: [CERTIFICATE, KEY] },
    { variable: CERTIFICATE, neededBy: [KEY] },
    { variable: KEY, neededBy: [CERTIFICATE] },
  ]);
  const contents = [
    ...authorityProblems({ variable: CA, path: values.caPath }),
    ...pairProblems(
      { variable: CERTIFICATE, path: values.certificatePath },
      { variable: KEY, path: values.keyPath },
    ),
  ];
  const token = tokenProblems(env, values);
  return { values, problems: [...problems, ...missing, ...contents, ...token] };
}

export function toFollowConfig(
  values: SettingValues<typeof FOLLOW_SETTINGS>,
): FollowConfig | undefined {
  const { leader, tokenPath } = values;
  return leader && { ...leader, tls: toNodeTls(values), tokenPath };
}

/** undefined = no TLS. */
export function toNodeTls({
  caPath,
  certificatePath,
  keyPath,
}: SettingValues<typeof FOLLOW_SETTINGS>): FollowTls | undefined {
  return caPath === undefined ? undefined : { caPath, certificatePath, keyPath };
}

/** Whoever is on the way could use the token. */
function tokenProblems(
  env: NodeJS.ProcessEnv,
  { leader, tokenPath }: Partial<SettingValues<typeof FOLLOW_SETTINGS>>,
): ConfigProblem[] {
  if (tokenPath === undefined || env[CA] !== undefined || env[PLAINTEXT] === 'allow') return [];
  const octets = leader && parseAddress(leader.host);
  if (octets !== undefined && addressKind(octets) === 'loopback') return [];
  const message = `it would be sent for everybody on the way to read: set ${CA}, or ${PLAINTEXT}=allow if they may`;
  return [{ variable: TOKEN, value: tokenPath, message }];
}

/** What is wrong with a leader that is this very node: nobody could change its rules. */
export function ownApiProblems(
  leader: Pick<FollowConfig, 'host' | 'port' | 'target'> | undefined,
  api: SocketAddress,
): ConfigProblem[] {
  if (leader === undefined || leader.port !== api.port) return [];
  const octets = parseAddress(leader.host);
  if (octets === undefined) return [];
  const isWildcard = addressKind(api.octets) === 'unspecified';
  const isOwn = isWildcard
    ? addressKind(octets) === 'loopback'
    : Buffer.from(octets).equals(Uint8Array.from(api.octets));
  const message = "must be another node's API, and this is where the API of this one is";
  return isOwn ? [{ variable: LEADER, value: leader.target, message }] : [];
}

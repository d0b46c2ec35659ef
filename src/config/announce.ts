import { z } from 'zod';
import { formatAddress, type Octets, parseAddress } from '../model/address.ts';
import { problemsOf, withoutEmpty } from './environment.ts';
import { ConfigError } from './problem.ts';
import { integer, logLevel, parsed } from './schema.ts';
import { splitHostAndPort } from './socket-address.ts';
import type { AnnounceVariableName } from './variables.ts';

/** The settings of the announcer, read from the environment. Table: docs/high-availability.md. */
export interface AnnounceConfig {
  /** Canonical texts; at least one. */
  readonly addresses: readonly string[];
  readonly method: 'gobgp' | 'kernel';
  /** `host:port` or `unix:/path` of gobgpd's API. */
  readonly gobgpTarget: string;
  /** Between two looks at the proxy's health. */
  readonly intervalMs: number;
  /** How long one look may take. */
  readonly timeoutMs: number;
  /** Bad looks in a row until the addresses are withdrawn. */
  readonly fall: number;
  /** Good looks in a row until they are announced. */
  readonly rise: number;
  /** How long a proxy that flaps is kept out, and this much longer each further time; 0 = it is not. */
  readonly holdSeconds: number;
  readonly holdMaxSeconds: number;
  readonly onExit: 'withdraw' | 'keep';
  /** One of pino's levels, or `silent`. */
  readonly logLevel: string;
}

const DEFAULT_GOBGP = '127.0.0.1:50051';
/**
 * A change of 100,000 rules keeps control from answering for a second or two, and forwarders go on all the while:
 * a proxy that does not answer is less urgent than one that is gone, which refuses connections at once.
 */
const DEFAULT_TIMEOUT_MS = 1_700;

const MAX_HOLD_SECONDS = 86_400;

const ADDRESSES =
  'must be IPv4 or IPv6 addresses with commas between them, such as 192.0.2.100,2001:db8::100; each once; no network, loopback, link-local or multicast address';
const GOBGP = 'must be host:port, such as 127.0.0.1:50051, or unix: and an absolute path';

const schema = z.object({
  COLLECTOR_ANNOUNCE_ADDRESSES: parsed(parseAddresses, ADDRESSES),
  COLLECTOR_ANNOUNCE_METHOD: choice(['gobgp', 'kernel']).default('gobgp'),
  COLLECTOR_ANNOUNCE_GOBGP_ADDRESS: parsed(parseGobgp, GOBGP).prefault(DEFAULT_GOBGP),
  COLLECTOR_ANNOUNCE_INTERVAL_MS: integer(50, 60_000).default(250),
  COLLECTOR_ANNOUNCE_TIMEOUT_MS: integer(50, 60_000).default(DEFAULT_TIMEOUT_MS),
  COLLECTOR_ANNOUNCE_FALL: integer(1, 100).default(5),
  COLLECTOR_ANNOUNCE_RISE: integer(1, 1000).default(4),
  COLLECTOR_ANNOUNCE_HOLD_SECONDS: integer(0, MAX_HOLD_SECONDS).default(30),
  COLLECTOR_ANNOUNCE_HOLD_MAX_SECONDS: integer(0, MAX_HOLD_SECONDS).default(300),
  COLLECTOR_ANNOUNCE_ON_EXIT: choice(['withdraw', 'keep']).default('withdraw'),
  COLLECTOR_LOG_LEVEL: logLevel(),
} satisfies Record<AnnounceVariableName | 'COLLECTOR_LOG_LEVEL', z.ZodType>);

/**
 * Reads the settings of the announcer. An empty variable counts as not set. Touches nothing.
 *
 * @throws ConfigError with all problems at once
 */
export function readAnnounceConfig(env: NodeJS.ProcessEnv): AnnounceConfig {
  const present = withoutEmpty(env);
  const { error, data } = schema.safeParse(present);
  if (data === undefined) throw new ConfigError(problemsOf(error, present).map(nameMissing));
  const { COLLECTOR_ANNOUNCE_HOLD_SECONDS: holdSeconds } = data;
  const { COLLECTOR_ANNOUNCE_HOLD_MAX_SECONDS: holdMaxSeconds } = data;
  if (holdMaxSeconds < holdSeconds) {
    const variable = 'COLLECTOR_ANNOUNCE_HOLD_MAX_SECONDS';
    const message = `must not be less than COLLECTOR_ANNOUNCE_HOLD_SECONDS, which is ${holdSeconds}`;
    throw new ConfigError([{ variable, value: String(holdMaxSeconds), message }]);
  }
  return {
    addresses: data.COLLECTOR_ANNOUNCE_ADDRESSES,
    method: data.COLLECTOR_ANNOUNCE_METHOD,
    gobgpTarget: data.COLLECTOR_ANNOUNCE_GOBGP_ADDRESS,
    intervalMs: data.COLLECTOR_ANNOUNCE_INTERVAL_MS,
    timeoutMs: data.COLLECTOR_ANNOUNCE_TIMEOUT_MS,
    fall: data.COLLECTOR_ANNOUNCE_FALL,
    rise: data.COLLECTOR_ANNOUNCE_RISE,
    holdSeconds,
    holdMaxSeconds,
    onExit: data.COLLECTOR_ANNOUNCE_ON_EXIT,
    logLevel: data.COLLECTOR_LOG_LEVEL,
  };
}

/** Says what a required variable is, instead of what the schema makes of undefined. */
function nameMissing(problem: ConfigError['problems'][0]): ConfigError['problems'][0] {
  return problem.value === undefined ? { ...problem, message: ADDRESSES } : problem;
}

function parseAddresses(text: string): string[] | undefined {
  const octets = text.split(',').map((part) => parseAddress(part.trim()));
  if (!octets.every((address) => address !== undefined && isAnnounceable(address)))
    return undefined;
  const addresses = octets.flatMap((address) => (address ? [formatAddress(address)] : []));
  return new Set(addresses).size === addresses.length ? addresses : undefined;
}

/** Whether others can reach the address by a route to it. */
function isAnnounceable(octets: Octets): boolean {
  const [first = 0, second = 0] = octets;
  if (octets.length === 4) {
    const isLinkLocal = first === 169 && second === 254;
    return first !== 0 && first !== 127 && first < 224 && !isLinkLocal;
  }
  const isLinkLocal = first === 0xfe && (second & 0xc0) === 0x80;
  const isSpecial = octets.slice(0, 15).every((byte) => byte === 0);
  return first !== 0xff && !isLinkLocal && !isSpecial;
}

function parseGobgp(text: string): string | undefined {
  if (/^unix:\/[^\0]+$/.test(text)) return text;
  const parts = splitHostAndPort(text);
  if (parts?.port === undefined || !/^[\w.:-]+$/.test(parts.host)) return undefined;
  const host = parts.host.includes(':') ? `[${parts.host}]` : parts.host;
  return `${host}:${parts.port}`;
}

function choice<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `must be one of ${values.join(', ')}` });
}

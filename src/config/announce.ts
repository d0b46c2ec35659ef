import { formatAddress, type Octets, parseAddress } from '../model/address.ts';
import { addressKind } from '../model/address-kind.ts';
import { withoutEmpty } from './environment.ts';
import { hostSystem } from './host-system.ts';
import { choice, integer, parsed } from './kinds.ts';
import { PAGES_ADDRESS } from './metrics.ts';
import { ConfigError, type ConfigProblem } from './problem.ts';
import {
  type EffectiveSetting,
  REQUIRED,
  readSettings,
  type SettingGroup,
  type SettingValues,
  showSettings,
} from './setting.ts';
import { splitHostAndPort } from './socket-address.ts';
import { LOG_SETTINGS, type LogConfig } from './store.ts';
import type { System } from './system.ts';

const HOLD_MAX = 'COLLECTOR_ANNOUNCE_HOLD_MAX_SECONDS';
const MAX_HOLD_SECONDS = 86_400;

const ADDRESSES =
  'IPv4 or IPv6 addresses with commas between them, such as 192.0.2.100,2001:db8::100; each once; no network, loopback, link-local or multicast address';
const GOBGP = 'host:port, such as 127.0.0.1:50051, or unix: and an absolute path';

/** Settings of the announcer, besides those that say where the API is. */
export const ANNOUNCE_SETTINGS = {
  addresses: {
    variable: 'COLLECTOR_ANNOUNCE_ADDRESSES',
    meaning: 'service addresses to announce, with commas between them',
    kind: parsed(ADDRESSES, parseAddresses, (addresses) => addresses.join(',')),
    default: REQUIRED,
  },
  method: {
    variable: 'COLLECTOR_ANNOUNCE_METHOD',
    meaning: 'gobgp: routes in gobgpd; kernel: addresses on the loopback device, for bird and FRR',
    kind: choice(['gobgp', 'kernel']),
    default: 'gobgp',
  },
  gobgpTarget: {
    variable: 'COLLECTOR_ANNOUNCE_GOBGP_ADDRESS',
    meaning: "gobgpd's API",
    kind: parsed(GOBGP, parseGobgp),
    default: '127.0.0.1:50051',
  },
  intervalMs: {
    variable: 'COLLECTOR_ANNOUNCE_INTERVAL_MS',
    meaning: "between two looks at the proxy's health",
    kind: integer(50, 60_000),
    default: '250',
  },
  /**
   * A change of 100,000 rules keeps control from answering for a second or two, and forwarders go on all the while:
   * a proxy that does not answer is less urgent than one that is gone, which refuses connections at once.
   */
  timeoutMs: {
    variable: 'COLLECTOR_ANNOUNCE_TIMEOUT_MS',
    meaning: 'how long one look may take; looks may overlap',
    kind: integer(50, 60_000),
    default: '1700',
  },
  fall: {
    variable: 'COLLECTOR_ANNOUNCE_FALL',
    meaning: 'bad looks in a row until the addresses are withdrawn',
    kind: integer(1, 100),
    default: '5',
  },
  rise: {
    variable: 'COLLECTOR_ANNOUNCE_RISE',
    meaning: 'good looks in a row until they are announced',
    kind: integer(1, 1000),
    default: '4',
  },
  holdSeconds: {
    variable: 'COLLECTOR_ANNOUNCE_HOLD_SECONDS',
    meaning:
      'how long a proxy that flaps is kept out, and longer by this each further time; 0 = it is not',
    kind: integer(0, MAX_HOLD_SECONDS),
    default: '30',
  },
  holdMaxSeconds: {
    variable: HOLD_MAX,
    meaning: 'the longest time that it is kept out',
    kind: integer(0, MAX_HOLD_SECONDS),
    default: '300',
  },
  withoutRules: {
    variable: 'COLLECTOR_ANNOUNCE_WITHOUT_RULES',
    meaning:
      'whether the addresses are announced while the node has never had rules: it would swallow its share',
    kind: choice(['no', 'yes']),
    default: 'no',
  },
  onExit: {
    variable: 'COLLECTOR_ANNOUNCE_ON_EXIT',
    meaning: 'what happens to the addresses when the announcer ends',
    kind: choice(['withdraw', 'keep']),
    default: 'withdraw',
  },
  metricsAddress: {
    variable: 'COLLECTOR_ANNOUNCE_METRICS_ADDRESS',
    meaning: "where the announcer's own `/metrics` and `/healthz` are served; off = they are not",
    kind: PAGES_ADDRESS,
    default: 'off',
  },
} as const satisfies SettingGroup;

/** The settings of the announcer. Table: docs/settings.md. */
export type AnnounceConfig = SettingValues<typeof ANNOUNCE_SETTINGS> & LogConfig;

/**
 * Reads the settings of the announcer. An empty variable counts as not set. Touches nothing.
 *
 * @param system replaces parts of the host in tests
 * @throws ConfigError with all problems at once
 */
export function readAnnounceConfig(
  env: NodeJS.ProcessEnv,
  system: Partial<System> = {},
): AnnounceConfig {
  const group = { ...ANNOUNCE_SETTINGS, ...LOG_SETTINGS };
  const found = readSettings(group, withoutEmpty(env), { ...hostSystem(), ...system });
  const problems = [...found.problems, ...holdProblems(found.values)];
  if (problems.length > 0) throw new ConfigError(problems);
  return found.values as AnnounceConfig;
}

/** Every setting of the announcer alone as it holds. @throws ConfigError with all problems at once */
export function effectiveAnnounceSettings(env: NodeJS.ProcessEnv): EffectiveSetting[] {
  return showSettings(ANNOUNCE_SETTINGS, readAnnounceConfig(env));
}

function holdProblems({
  holdSeconds = 0,
  holdMaxSeconds = MAX_HOLD_SECONDS,
}: Partial<AnnounceConfig>): ConfigProblem[] {
  if (holdMaxSeconds >= holdSeconds) return [];
  const message = `must not be less than COLLECTOR_ANNOUNCE_HOLD_SECONDS, which is ${holdSeconds}`;
  return [{ variable: HOLD_MAX, value: String(holdMaxSeconds), message }];
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
  if (addressKind(octets) !== 'unicast') return false;
  const [first = 0] = octets;
  // 0.0.0.0/8 and 240.0.0.0/4 are reserved (RFC 6890), and so is what looks like IPv4 in IPv6: ::/120.
  if (octets.length === 4) return first !== 0 && first < 240;
  return octets.slice(0, 15).some((byte) => byte !== 0);
}

function parseGobgp(text: string): string | undefined {
  if (/^unix:\/[^\0]+$/.test(text)) return text;
  const parts = splitHostAndPort(text);
  if (parts?.port === undefined || !/^[\w.:-]+$/.test(parts.host)) return undefined;
  const host = parts.host.includes(':') ? `[${parts.host}]` : parts.host;
  return `${host}:${parts.port}`;
}

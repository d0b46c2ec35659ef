/** Every variable that the service reads, and what it means. */
export const VARIABLES = {
  COLLECTOR_FLOXY_ADDRESS: 'host:port on which flow is received; empty = the proxy is off',
  COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: 'largest payload that is forwarded whole, in bytes',
  COLLECTOR_FLOXY_THREAD_COUNT: 'number of forwarders; by default the cores available',
  COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES: 'kernel receive buffer of each forwarder, in bytes',
  COLLECTOR_FLOXY_SEND_BUFFER_BYTES: 'kernel send buffer of each raw socket, in bytes',
  COLLECTOR_FLOXY_IPV4_SOURCE_PREFIX: 'prefix of IPv4 sources on their way to IPv6 collectors',
  COLLECTOR_FLOXY_USER: 'whom forwarders run as when the service is started as root',
  COLLECTOR_FLOXY_PROBE_INTERVAL_MS:
    'how often the proxy sends itself test datagrams, which health depends on; 0 = never',
  COLLECTOR_FLOXY_ORPHAN_SECONDS:
    'how long forwarders go on when control has ended, until a new one takes over; 0 = not at all',
  COLLECTOR_FLOXY_RUNTIME_DIRECTORY:
    'where a new control finds the forwarders; by default the folder of the database',
  COLLECTOR_FLOXY_DRAIN_SECONDS: 'how long SIGTERM may drain before the end; 0 = not at all',
  COLLECTOR_FLOXY_FOLLOW: 'host:port of the API of the node whose rules this one takes over',
  COLLECTOR_FLOXY_FOLLOW_TLS_CA:
    'PEM file; turns TLS on towards that node, whose certificate it must have signed',
  COLLECTOR_FLOXY_FOLLOW_TLS_CERTIFICATE: 'PEM file with the certificate to show to that node',
  COLLECTOR_FLOXY_FOLLOW_TLS_KEY: 'PEM file with the key of that certificate',
  COLLECTOR_BACKEND_METRICS_PORT: 'port of the gRPC API, unless its address names one',
  COLLECTOR_API_ADDRESS: 'host:port of the gRPC API; 0.0.0.0 or [::] opens it to the network',
  COLLECTOR_API_TLS_CERTIFICATE: 'PEM file; with the key it turns TLS on for the gRPC API',
  COLLECTOR_API_TLS_KEY: 'PEM file with the key of the certificate',
  COLLECTOR_API_TLS_CLIENT_CA: 'PEM file; clients must show a certificate signed by it',
  COLLECTOR_DATABASE_PATH: 'SQLite file that keeps the rules',
  COLLECTOR_LOG_LEVEL: 'trace, debug, info, warn, error, fatal or silent',
} as const;

export type VariableName = keyof typeof VARIABLES;

/** Every variable that the announcer reads besides those that say where the API is, and what it means. */
export const ANNOUNCE_VARIABLES = {
  COLLECTOR_ANNOUNCE_ADDRESSES: 'service addresses to announce, with commas between them',
  COLLECTOR_ANNOUNCE_METHOD: 'gobgp: routes in gobgpd; kernel: addresses on the loopback device',
  COLLECTOR_ANNOUNCE_GOBGP_ADDRESS: "host:port or unix:/path of gobgpd's API",
  COLLECTOR_ANNOUNCE_INTERVAL_MS: "between two looks at the proxy's health",
  COLLECTOR_ANNOUNCE_TIMEOUT_MS: 'how long one look may take',
  COLLECTOR_ANNOUNCE_FALL: 'bad looks in a row until the addresses are withdrawn',
  COLLECTOR_ANNOUNCE_RISE: 'good looks in a row until they are announced',
  COLLECTOR_ANNOUNCE_HOLD_SECONDS:
    'how long a proxy that flaps is kept out, and longer by this each further time; 0 = it is not',
  COLLECTOR_ANNOUNCE_HOLD_MAX_SECONDS: 'the longest time that it is kept out',
  COLLECTOR_ANNOUNCE_ON_EXIT: 'withdraw or keep the addresses when the announcer ends',
} as const;

export type AnnounceVariableName = keyof typeof ANNOUNCE_VARIABLES;

type KnownName = VariableName | AnnounceVariableName;

const KNOWN_NAMES = [...Object.keys(VARIABLES), ...Object.keys(ANNOUNCE_VARIABLES)] as KnownName[];

/** A variable that looks like one of ours and is none: most likely misspelt. */
export interface UnknownVariable {
  readonly name: string;
  /** The known name that differs least. */
  readonly nearest: KnownName;
}

/** These names are ours alone. */
const OWN_PREFIX = /^COLLECTOR_(FLOXY|API|ANNOUNCE)_/;

/** The rest of COLLECTOR_… may belong to other programs: only what is this near counts as misspelt. */
const MAX_TYPING_ERRORS = 2;

/**
 * Finds variables that were meant for the service but have no effect: unknown `COLLECTOR_FLOXY_…`,
 * `COLLECTOR_API_…` and `COLLECTOR_ANNOUNCE_…`, and other `COLLECTOR_…` that differ from a known name by a letter or two.
 */
export function unknownVariables(env: NodeJS.ProcessEnv): UnknownVariable[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('COLLECTOR_') && !isKnown(name))
    .map((name) => nearestVariable(name))
    .filter(({ name, distance }) => OWN_PREFIX.test(name) || distance <= MAX_TYPING_ERRORS)
    .map(({ name, nearest }) => ({ name, nearest }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function isKnown(name: string): boolean {
  return (KNOWN_NAMES as readonly string[]).includes(name);
}

function nearestVariable(name: string): UnknownVariable & { distance: number } {
  return KNOWN_NAMES.map((nearest) => ({
    name,
    nearest,
    distance: editDistance(name, nearest),
  })).reduce((best, candidate) => (candidate.distance < best.distance ? candidate : best));
}

/** Levenshtein distance: letters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

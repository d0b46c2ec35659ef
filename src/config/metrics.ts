/** Settings of what is told to monitoring: pages over HTTP, and what is pushed. */
import { hostname } from 'node:os';
import { choice, integer, parsed, READABLE_FILE, secondsInMs } from './kinds.ts';
import {
  type Found,
  readSettings,
  type SettingGroup,
  type SettingValues,
  UNSET,
} from './setting.ts';
import { formatSocketAddress, parseListenAddress } from './socket-address.ts';
import type { System } from './system.ts';
import { missingVariables } from './tls.ts';

const INFLUXDB_URL = 'COLLECTOR_INFLUXDB_URL';
const DATABASE = 'COLLECTOR_INFLUXDB_DATABASE';
const BUCKET = 'COLLECTOR_INFLUXDB_BUCKET';
const ORGANISATION = 'COLLECTOR_INFLUXDB_ORG';
const TOKEN_FILE = 'COLLECTOR_INFLUXDB_TOKEN_FILE';

/** Instead of an address: nothing is served. */
const OFF = 'off';

/** Where pages are served. */
export const PAGES_ADDRESS = parsed(
  'an IP address and a port from 1 to 65535, such as 127.0.0.1:8081 or [::]:8081 (no host name, zone, multicast, broadcast or link-local), or off',
  (text) => (text === OFF ? OFF : parseListenAddress(text)),
  (value) => (value === OFF ? OFF : formatSocketAddress(value)),
);

const NAME = parsed('1 to 255 characters', (text) =>
  text.length > 0 && text.length <= 255 ? text : undefined,
);

export const METRICS_SETTINGS = {
  address: {
    variable: 'COLLECTOR_METRICS_ADDRESS',
    meaning:
      'where `/metrics` (Prometheus), `/healthz`, `/readyz`, and `/flow` and `/sys` (as vFlow) are served over HTTP, to everybody who can reach it; off = they are not',
    kind: PAGES_ADDRESS,
    default: '127.0.0.1:8081',
  },
  maxRules: {
    variable: 'COLLECTOR_METRICS_MAX_RULES',
    meaning:
      'how many rules, and how many collectors, `/metrics` tells one by one; where there are more, they are one series together, and `/metrics?rule=192.0.2.1` asks for some',
    kind: integer(0, 1_000_000),
    default: '10000',
  },
  influxdbUrl: {
    variable: INFLUXDB_URL,
    meaning: 'InfluxDB, to which metrics are pushed; unset = they are not',
    kind: parsed('a URL such as http://127.0.0.1:8086', (text) => parseUrl(text, HTTP)),
    default: UNSET,
  },
  influxdbDatabase: {
    variable: DATABASE,
    meaning: 'database of InfluxDB 1; it has to be there',
    kind: NAME,
    default: 'vflow',
  },
  influxdbBucket: {
    variable: BUCKET,
    meaning: 'bucket of InfluxDB 2; set = its API is used, not that of InfluxDB 1',
    kind: NAME,
    default: UNSET,
  },
  influxdbOrganisation: {
    variable: ORGANISATION,
    meaning: 'organisation of the bucket',
    kind: NAME,
    default: UNSET,
  },
  influxdbTokenFile: {
    variable: TOKEN_FILE,
    meaning: 'file with the token for InfluxDB (InfluxDB 1: USER:PASSWORD)',
    kind: READABLE_FILE,
    default: UNSET,
  },
  opentsdbUrl: {
    variable: 'COLLECTOR_OPENTSDB_URL',
    meaning:
      'OpenTSDB, to which metrics are pushed: by /api/put over HTTP, or by lines over TCP; unset = they are not',
    kind: parsed('a URL such as http://127.0.0.1:4242 or tcp://127.0.0.1:4242', (text) =>
      parseUrl(text, [...HTTP, 'tcp:']),
    ),
    default: UNSET,
  },
  pushMetrics: {
    variable: 'COLLECTOR_PUSH_METRICS',
    meaning:
      "which metrics are pushed: those of `/metrics` (floxy), what vFlow's monitor pushes, by its names (vflow), or both (all)",
    kind: choice(['all', 'floxy', 'vflow']),
    default: 'all',
  },
  pushMaxRules: {
    variable: 'COLLECTOR_PUSH_MAX_RULES',
    meaning:
      'how many rules, and how many collectors, are pushed one by one; more are pushed together',
    kind: integer(0, 1_000_000),
    default: '1000',
  },
  pushIntervalMs: {
    variable: 'COLLECTOR_PUSH_INTERVAL_SECONDS',
    meaning: 'how often metrics are pushed',
    kind: secondsInMs(1, 3600),
    default: '60',
  },
  pushHost: {
    variable: 'COLLECTOR_PUSH_HOST',
    meaning: 'what pushed metrics call this host',
    kind: NAME,
    default: { text: 'the name of the host', of: () => hostname() },
  },
} as const satisfies SettingGroup;

type MetricsValues = SettingValues<typeof METRICS_SETTINGS>;

export type MetricsConfig = MetricsValues;

/** The values, and also what is wrong with them together. @param env without empty variables */
export function readMetrics(
  env: NodeJS.ProcessEnv,
  system: System,
): Found<typeof METRICS_SETTINGS> {
  const { values, problems } = readSettings(METRICS_SETTINGS, env, system);
  const missing = missingVariables(env, [
    { variable: INFLUXDB_URL, neededBy: [DATABASE, BUCKET, ORGANISATION, TOKEN_FILE] },
    { variable: ORGANISATION, neededBy: [BUCKET] },
    { variable: BUCKET, neededBy: [ORGANISATION] },
  ]);
  return { values, problems: [...problems, ...missing] };
}

const HTTP = ['http:', 'https:'];

/** Without anything behind host and port but a path. @returns it without a slash at the end */
function parseUrl(text: string, protocols: readonly string[]): string | undefined {
  const url = URL.parse(text);
  if (url === null || !protocols.includes(url.protocol)) return undefined;
  const hasMore = url.search !== '' || url.hash !== '' || url.username !== '';
  if (hasMore || url.hostname === '') return undefined;
  if (url.protocol === 'tcp:' && url.port === '') return undefined;
  return text.replace(/\/+$/, '');
}

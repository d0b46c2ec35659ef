import path from 'node:path';
import { withSocketPath } from './access.ts';
import { API_SETTINGS, type ApiConfig, readApi, toApiConfig, toSocketAddress } from './api.ts';
import { withoutEmpty } from './environment.ts';
import {
  FOLLOW_SETTINGS,
  type FollowConfig,
  type FollowTls,
  ownApiProblems,
  readFollow,
  toFollowConfig,
  toNodeTls,
} from './follow.ts';
import { hostSystem } from './host-system.ts';
import { METRICS_SETTINGS, type MetricsConfig, readMetrics } from './metrics.ts';
import { PIPELINE_SETTINGS, type PipelinesSettings } from './pipelines.ts';
import { ConfigError } from './problem.ts';
import { PROXY_SETTINGS } from './proxy.ts';
import { RULES_FILE_SETTINGS, twoSources } from './rules-file.ts';
import {
  type EffectiveSetting,
  readSettings,
  type SettingValues,
  showSettings,
} from './setting.ts';
import { LOG_SETTINGS, type LogConfig, STORE_SETTINGS } from './store.ts';
import type { System } from './system.ts';

export type { AccessConfig, ApiSocketConfig, FallbackRole } from './access.ts';
export { PACKAGE_SOCKET } from './access.ts';
export {
  type ApiConfig,
  PLAINTEXT,
  readApiAddress,
  readApiSocket,
  type TlsConfig,
} from './api.ts';
export type { FollowConfig, FollowTls } from './follow.ts';
export type { MetricsConfig } from './metrics.ts';
export type { PipelinesSettings } from './pipelines.ts';
export { NO_PRINCIPALS, type Principals } from './principals.ts';
export { ConfigError, type ConfigProblem, formatProblems } from './problem.ts';
export type { EffectiveSetting } from './setting.ts';
export type { SocketAddress } from './socket-address.ts';
export type { System } from './system.ts';
export { type UnknownVariable, unknownVariables } from './unknown-variables.ts';
export type { ForwarderUser } from './user.ts';

type ProxyValues = SettingValues<typeof PROXY_SETTINGS>;
type PipelineValues = SettingValues<typeof PIPELINE_SETTINGS>;

/** What the proxy needs; `listen` is undefined when it is off. */
export type ProxyConfig = Omit<ProxyValues, 'runtimeDirectory'> & {
  /** Where forwarders can be taken over by the next control. */
  readonly runtimeDirectory: string;
};

export type StoreConfig = SettingValues<typeof STORE_SETTINGS>;

/** The settings of the service, read from the environment; each component takes its part. Table: docs/settings.md. */
export interface Config extends ProxyConfig, PipelinesSettings, StoreConfig, LogConfig {
  readonly api: ApiConfig;
  /** The node whose rules this one takes over; undefined = its rules are its own. */
  readonly follow: FollowConfig | undefined;
  /** The file whose rules this node has; undefined = they are changed by the API. */
  readonly rulesFile: string | undefined;
  /** TLS towards other nodes; undefined = none. */
  readonly nodeTls: FollowTls | undefined;
  /** File with the token for other nodes; undefined = none. */
  readonly nodeTokenPath: string | undefined;
  readonly metrics: MetricsConfig;
}

/** Settings as they are written, which cannot be wrong any more. */
interface ServiceValues {
  readonly proxy: ProxyConfig;
  readonly pipelines: PipelinesSettings;
  readonly store: StoreConfig;
  readonly log: LogConfig;
  readonly api: SettingValues<typeof API_SETTINGS>;
  readonly rulesFile: SettingValues<typeof RULES_FILE_SETTINGS>;
  readonly follow: SettingValues<typeof FOLLOW_SETTINGS>;
  readonly metrics: MetricsConfig;
}

/**
 * Reads the settings. An empty variable counts as not set. Touches nothing.
 *
 * @param system replaces parts of the host in tests
 * @throws ConfigError with all problems at once
 */
export function readConfig(env: NodeJS.ProcessEnv, system: Partial<System> = {}): Config {
  const { proxy, pipelines, store, log, api, rulesFile, follow, metrics } = readValues(env, system);
  return {
    ...proxy,
    ...pipelines,
    ...store,
    ...log,
    ...rulesFile,
    api: toApiConfig(api),
    follow: toFollowConfig(follow),
    nodeTls: toNodeTls(follow),
    nodeTokenPath: follow.tokenPath,
    metrics,
  };
}

/**
 * Every setting of the service as it holds, in the order of docs/settings.md.
 *
 * @throws ConfigError with all problems at once
 */
export function effectiveSettings(env: NodeJS.ProcessEnv): EffectiveSetting[] {
  const { proxy, pipelines, store, log, api, rulesFile, follow, metrics } = readValues(env, {});
  return [
    ...showSettings(PROXY_SETTINGS, proxy),
    ...showSettings(PIPELINE_SETTINGS, pipelines),
    ...showSettings(RULES_FILE_SETTINGS, rulesFile),
    ...showSettings(FOLLOW_SETTINGS, follow),
    ...showSettings(API_SETTINGS, api),
    ...showSettings(METRICS_SETTINGS, metrics),
    ...showSettings(STORE_SETTINGS, store),
    ...showSettings(LOG_SETTINGS, log),
  ];
}

function readValues(env: NodeJS.ProcessEnv, system: Partial<System>): ServiceValues {
  const present = withoutEmpty(env);
  const host = { ...hostSystem(), ...system };
  const proxy = readSettings(PROXY_SETTINGS, present, host);
  const pipelines = readSettings(PIPELINE_SETTINGS, present, host);
  const store = readSettings(STORE_SETTINGS, present, host);
  const log = readSettings(LOG_SETTINGS, present, host);
  const api = readApi(present, host);
  const rulesFile = readSettings(RULES_FILE_SETTINGS, present, host);
  const follow = readFollow(present, host);
  const metrics = readMetrics(present, host);
  const read = [proxy, pipelines, store, log, api, rulesFile, follow, metrics];
  const problems = read.flatMap((found) => found.problems);
  // Whatever is missing in values is in problems.
  const values = {
    store: store.values as StoreConfig,
    log: log.values as LogConfig,
    api: api.values as ServiceValues['api'],
    rulesFile: rulesFile.values as ServiceValues['rulesFile'],
    follow: follow.values as ServiceValues['follow'],
    metrics: metrics.values as MetricsConfig,
  };
  problems.push(...twoSources(values.rulesFile.rulesFile, values.follow.leader));
  if (values.api.address !== undefined) {
    problems.push(...ownApiProblems(values.follow.leader, toSocketAddress(values.api)));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const proxyConfig = withRuntimeDirectory(proxy.values as ProxyValues, values.store);
  return {
    ...values,
    proxy: proxyConfig,
    api: withSocketPath(values.api, proxyConfig.runtimeDirectory),
    pipelines: withDirectory(pipelines.values as PipelineValues, values.store),
  };
}

function withDirectory(
  { pipelinesDirectory, ...values }: PipelineValues,
  { databasePath }: StoreConfig,
): PipelinesSettings {
  const beside = path.join(path.dirname(databasePath), 'pipelines');
  return { ...values, pipelinesDirectory: pipelinesDirectory ?? beside };
}

function withRuntimeDirectory(proxy: ProxyValues, { databasePath }: StoreConfig): ProxyConfig {
  return { ...proxy, runtimeDirectory: proxy.runtimeDirectory ?? path.dirname(databasePath) };
}

import type { Command } from 'commander';
import { type AnnounceConfig, readAnnounceConfig } from '../config/announce.ts';
import {
  type Config,
  ConfigError,
  type ConfigProblem,
  readConfig,
  type UnknownVariable,
  unknownVariables,
} from '../config/config.ts';
import { formatSocketAddress } from '../config/socket-address.ts';
import { formatSourcePrefix } from '../config/source-prefix.ts';
import {
  ANNOUNCE_VARIABLES,
  type AnnounceVariableName,
  VARIABLES,
  type VariableName,
} from '../config/variables.ts';
import type { Terminal } from './terminal.ts';

/** Adds `floxy serve` and `floxy check-config`. @param finish takes the exit status of the service */
export function addServiceCommands(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('serve')
    .description('run the service; its settings are COLLECTOR_… environment variables')
    .action(async () => {
      const config = readConfig(terminal.env);
      // Loaded late: other commands need neither the database nor the native addon.
      const { serve } = await import('../app/serve.ts');
      finish(await serve(config, unknownVariables(terminal.env)));
    });
  program
    .command('check-config')
    .description('check the environment and print the settings that the service would use')
    .action(async () => {
      const { config, announce } = readAllSettings(terminal.env);
      for (const variable of unknownVariables(terminal.env)) {
        terminal.printError(`${describeUnknown(variable)}\n`);
      }
      await terminal.print(
        printSettings(VARIABLES, effectiveValues(config)) +
          (announce ? printSettings(ANNOUNCE_VARIABLES, effectiveAnnounceValues(announce)) : ''),
      );
    });
}

function describeUnknown({ name, nearest }: UnknownVariable): string {
  return `${name} has no effect: there is no such setting. Is ${nearest} meant?`;
}

/**
 * Reads the settings of the service, and of the announcer where any is set.
 *
 * @throws ConfigError with the problems of both
 */
function readAllSettings(env: NodeJS.ProcessEnv) {
  const problems: ConfigProblem[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const hasAnnouncer = Object.keys(ANNOUNCE_VARIABLES).some((name) => env[name]);
  const config = attempt(() => readConfig(env));
  const announce = hasAnnouncer ? attempt(() => readAnnounceConfig(env)) : undefined;
  if (config === undefined || problems.length > 0) throw new ConfigError(problems);
  return { config, announce };
}

/** One line for each setting: `NAME=value  # meaning`. */
function printSettings<Name extends string>(
  meanings: Readonly<Record<Name, string>>,
  values: Readonly<Record<Name, string | number>>,
): string {
  const names = Object.keys(meanings) as Name[];
  return names.map((name) => `${name}=${values[name]}  # ${meanings[name]}\n`).join('');
}

function effectiveAnnounceValues(
  config: AnnounceConfig,
): Record<AnnounceVariableName, string | number> {
  return {
    COLLECTOR_ANNOUNCE_ADDRESSES: config.addresses.join(','),
    COLLECTOR_ANNOUNCE_METHOD: config.method,
    COLLECTOR_ANNOUNCE_GOBGP_ADDRESS: config.gobgpTarget,
    COLLECTOR_ANNOUNCE_INTERVAL_MS: config.intervalMs,
    COLLECTOR_ANNOUNCE_TIMEOUT_MS: config.timeoutMs,
    COLLECTOR_ANNOUNCE_FALL: config.fall,
    COLLECTOR_ANNOUNCE_RISE: config.rise,
    COLLECTOR_ANNOUNCE_HOLD_SECONDS: config.holdSeconds,
    COLLECTOR_ANNOUNCE_HOLD_MAX_SECONDS: config.holdMaxSeconds,
    COLLECTOR_ANNOUNCE_ON_EXIT: config.onExit,
  };
}

/** Each setting as it could be written in the environment; empty = off. */
function effectiveValues(config: Config): Record<VariableName, string | number> {
  const { listen, api, follow } = config;
  return {
    COLLECTOR_FLOXY_ADDRESS: listen ? formatSocketAddress(listen) : '',
    COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: config.packetBufferBytes,
    COLLECTOR_FLOXY_THREAD_COUNT: config.forwarders,
    COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES: config.receiveBufferBytes,
    COLLECTOR_FLOXY_SEND_BUFFER_BYTES: config.sendBufferBytes,
    COLLECTOR_FLOXY_IPV4_SOURCE_PREFIX: formatSourcePrefix(config.ipv4SourcePrefix),
    COLLECTOR_FLOXY_USER: config.forwarderUser.name,
    COLLECTOR_FLOXY_PROBE_INTERVAL_MS: config.probeIntervalMs,
    COLLECTOR_FLOXY_ORPHAN_SECONDS: config.orphanLimitMs / 1000,
    COLLECTOR_FLOXY_RUNTIME_DIRECTORY: config.runtimeDirectory,
    COLLECTOR_FLOXY_DRAIN_SECONDS: config.drainSeconds,
    COLLECTOR_FLOXY_FOLLOW: follow?.target ?? '',
    COLLECTOR_FLOXY_FOLLOW_TLS_CA: follow?.tls?.caPath ?? '',
    COLLECTOR_FLOXY_FOLLOW_TLS_CERTIFICATE: follow?.tls?.certificatePath ?? '',
    COLLECTOR_FLOXY_FOLLOW_TLS_KEY: follow?.tls?.keyPath ?? '',
    COLLECTOR_BACKEND_METRICS_PORT: api.port,
    COLLECTOR_API_ADDRESS: formatSocketAddress(api),
    COLLECTOR_API_TLS_CERTIFICATE: api.tls?.certificatePath ?? '',
    COLLECTOR_API_TLS_KEY: api.tls?.keyPath ?? '',
    COLLECTOR_API_TLS_CLIENT_CA: api.tls?.clientCaPath ?? '',
    COLLECTOR_DATABASE_PATH: config.databasePath,
    COLLECTOR_LOG_LEVEL: config.logLevel,
  };
}

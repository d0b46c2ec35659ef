import type { Command } from 'commander';
import { formatSocketAddress } from '../config/socket-address.ts';
import { formatSourcePrefix } from '../config/source-prefix.ts';
import { VARIABLES, type VariableName } from '../config/variables.ts';
import { type Config, readConfig, type UnknownVariable, unknownVariables } from '../config.ts';
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
      const config = readConfig(terminal.env);
      for (const variable of unknownVariables(terminal.env)) {
        terminal.printError(`${describeUnknown(variable)}\n`);
      }
      await terminal.print(printSettings(config));
    });
}

function describeUnknown({ name, nearest }: UnknownVariable): string {
  return `${name} has no effect: there is no such setting. Is ${nearest} meant?`;
}

/** One line for each setting: `NAME=value  # meaning`. */
function printSettings(config: Config): string {
  const values = effectiveValues(config);
  const lines = Object.entries(VARIABLES).map(([name, meaning]) => {
    return `${name}=${values[name as VariableName]}  # ${meaning}\n`;
  });
  return lines.join('');
}

/** Each setting as it could be written in the environment; empty = off. */
function effectiveValues(config: Config): Record<VariableName, string | number> {
  const { listen, api } = config;
  return {
    COLLECTOR_FLOXY_ADDRESS: listen ? formatSocketAddress(listen) : '',
    COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: config.packetBufferBytes,
    COLLECTOR_FLOXY_THREAD_COUNT: config.forwarders,
    COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES: config.receiveBufferBytes,
    COLLECTOR_FLOXY_SEND_BUFFER_BYTES: config.sendBufferBytes,
    COLLECTOR_FLOXY_IPV4_SOURCE_PREFIX: formatSourcePrefix(config.ipv4SourcePrefix),
    COLLECTOR_FLOXY_USER: config.forwarderUser.name,
    COLLECTOR_BACKEND_METRICS_PORT: api.port,
    COLLECTOR_API_ADDRESS: formatSocketAddress(api),
    COLLECTOR_API_TLS_CERTIFICATE: api.tls?.certificatePath ?? '',
    COLLECTOR_API_TLS_KEY: api.tls?.keyPath ?? '',
    COLLECTOR_API_TLS_CLIENT_CA: api.tls?.clientCaPath ?? '',
    COLLECTOR_DATABASE_PATH: config.databasePath,
    COLLECTOR_LOG_LEVEL: config.logLevel,
  };
}

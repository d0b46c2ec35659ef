import type { Command } from 'commander';
import { ANNOUNCE_SETTINGS, effectiveAnnounceSettings } from '../config/announce.ts';
import {
  ConfigError,
  type ConfigProblem,
  type EffectiveSetting,
  effectiveSettings,
  readConfig,
  type UnknownVariable,
  unknownVariables,
} from '../config/config.ts';
import { printSetting } from './setting-line.ts';
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
      const settings = effectiveSettings(terminal.env);
      finish(await serve(config, { unknownVariables: unknownVariables(terminal.env), settings }));
    });
  program
    .command('check-config')
    .description(
      'check the COLLECTOR_… variables of this shell, and print the settings that a service started from it would use',
    )
    .action(async () => {
      const settings = readAllSettings(terminal.env);
      for (const variable of unknownVariables(terminal.env)) {
        terminal.printError(`${describeUnknown(variable)}\n`);
      }
      await terminal.print(settings.map(printSetting).join(''));
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
function readAllSettings(env: NodeJS.ProcessEnv): EffectiveSetting[] {
  const problems: ConfigProblem[] = [];
  const attempt = (read: (env: NodeJS.ProcessEnv) => EffectiveSetting[]): EffectiveSetting[] => {
    try {
      return read(env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  };
  const hasAnnouncer = Object.values(ANNOUNCE_SETTINGS).some(({ variable }) => env[variable]);
  const service = attempt(effectiveSettings);
  const announcer = hasAnnouncer ? attempt(effectiveAnnounceSettings) : [];
  if (problems.length > 0) throw new ConfigError(problems);
  return [...service, ...announcer];
}

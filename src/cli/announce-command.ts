import type { Command } from 'commander';
import { readAnnounceConfig } from '../config/announce.ts';
import { unknownVariables } from '../config/config.ts';
import { readAccess } from './access-options.ts';
import type { Terminal } from './terminal.ts';

/** Adds `floxy announce`. @param finish takes the exit status of the announcer */
export function addAnnounceCommand(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('announce')
    .description(
      'announce the service addresses to the network while the proxy is well; settings: COLLECTOR_ANNOUNCE_…',
    )
    .option('--withdraw', 'withdraw the addresses and end; for when no announcer runs')
    .action(async ({ withdraw = false }: { readonly withdraw?: boolean }, command: Command) => {
      const config = readAnnounceConfig(terminal.env);
      const api = readAccess(command, terminal.env);
      // Loaded late: other commands need none of it.
      const { announce, withdrawOnce } = await import('../app/announce.ts');
      finish(
        withdraw
          ? await withdrawOnce(config)
          : await announce(config, api, unknownVariables(terminal.env)),
      );
    });
}

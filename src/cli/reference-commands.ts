import { Argument, type Command } from 'commander';
import { EXIT_STATUS_HELP } from './exit-status-help.ts';
import { bashCompletion } from './reference/bash.ts';
import { manualPage } from './reference/manual.ts';
import { shapeOf } from './reference/shape.ts';
import { zshCompletion } from './reference/zsh.ts';
import type { Terminal } from './terminal.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion } as const;

/** Adds `floxy completion` and `floxy manual`, which tell what the program itself says of its commands. */
export function addReferenceCommands(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description(
      'print what completes commands and options in a shell: source <(floxy completion bash)',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SHELLS)))
    .action((shell: keyof typeof SHELLS) => terminal.print(SHELLS[shell](shapeOf(program))));
  program
    .command('manual')
    .description('print the manual page: floxy manual | man -l -')
    .action(async () => {
      const { readBuildInfo } = await import('../app/build-info.ts');
      const { version, buildTime } = readBuildInfo();
      const day = Number.isNaN(Date.parse(buildTime)) ? new Date().toISOString() : buildTime;
      const facts = { version, date: day.slice(0, 10), exitStatus: EXIT_STATUS_HELP };
      await terminal.print(manualPage(shapeOf(program), facts));
    });
}

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { FloxyError } from '../base/errors.ts';
import { withoutControls } from '../base/text.ts';
import { ConfigError } from '../config/problem.ts';
import { packageRoot } from '../package-root.ts';
import { addAccessOptions } from './access-options.ts';
import { addCommands } from './commands.ts';
import { CliError, EXIT, InputError } from './exit.ts';
import { EXIT_STATUS_HELP } from './exit-status-help.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs the command line.
 *
 * @param args without the program's name
 * @returns the exit status; expected failures have been printed to standard error then
 */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = EXIT.ok;
  const finish = (code: number) => {
    exitCode = code;
  };
  let printed = Promise.resolve();
  const print = (text: string) => {
    printed = printed.then(() => terminal.print(text));
    // It is looked at in the end.
    printed.catch(() => undefined);
  };
  const program = makeProgram(terminal, print);
  await addCommands(program, args, terminal, finish);
  try {
    await program.parseAsync(args, { from: 'user' }).finally(() => printed);
    return exitCode;
  } catch (error) {
    return exitCodeOf(error, terminal);
  }
}

/** @param print writes help and version */
function makeProgram(terminal: Terminal, print: (text: string) => void): Command {
  const program = new Command('floxy')
    .description('UDP flow proxy: the service, and commands that talk to it')
    .version(readVersion(), '--version', 'print the version')
    .addHelpText('after', EXIT_STATUS_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: (text) => terminal.printError(text),
    });
  addAccessOptions(program);
  return program;
}

/** Prints an expected failure. @throws what is none */
function exitCodeOf(error: unknown, terminal: Terminal): number {
  // Commander has printed its message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof ConfigError) {
    terminal.printError(`${error.message}\n`);
    return EXIT.usage;
  }
  if (error instanceof FloxyError && error.code === 'INVALID_INPUT') {
    terminal.printError(`floxy: ${error.message}\n`);
    return EXIT.usage;
  }
  if (error instanceof InputError) {
    for (const line of error.lines) terminal.printError(`${withoutControls(line)}\n`);
    return error.exitCode;
  }
  if (error instanceof CliError) {
    // A server may have written some of it.
    terminal.printError(`floxy: ${withoutControls(error.message)}\n`);
    return error.exitCode;
  }
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return EXIT.ok;
  throw error;
}

function readVersion(): string {
  const text = readFileSync(path.join(packageRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

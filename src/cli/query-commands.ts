import type { Command } from 'commander';
import { readAccess } from './access-options.ts';
import { callApi } from './api-client.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';
import { findMethod, makeMessage, printMessage } from './messages.ts';
import { addFormatAlias, addOutputOption, type OutputOptions } from './output.ts';
import type { Terminal } from './terminal.ts';

/**
 * Adds `floxy build-info` and `floxy health`.
 *
 * @param finish takes the exit status of health: ok when the service is serving, failed in any other case
 */
export function addQueryCommands(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: ExitCode) => void,
): void {
  addBuildInfoCommand(program, terminal);
  addHealthCommand(program, terminal, finish);
}

function addBuildInfoCommand(program: Command, terminal: Terminal): void {
  const buildInfo = program
    .command('build-info')
    .description('print which version runs, from which commit, and its process number');
  addFormatAlias(addOutputOption(buildInfo, 'text', ['text', 'json'])).action(
    async ({ output }: OutputOptions<'text' | 'json'>, self: Command) => {
      const method = findMethod('floxy', 'collector.proto.Settings', 'GetBuildInfo');
      const request = makeMessage(method.input, {});
      const { message } = await callApi(readAccess(self, terminal.env), method, request);
      await terminal.print(printMessage(method.output, message, output));
    },
  );
}

function addHealthCommand(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: ExitCode) => void,
): void {
  program
    .command('health')
    .description('exit with 0 when the service is serving, with 1 in any other case')
    .option(
      '--service <name>',
      'the name to ask for: proxy = packets are taken, configured = the node also has had rules (default: the node does its share)',
      '',
    )
    .action(async ({ service }: { readonly service: string }, command: Command) => {
      const method = findMethod('health', 'grpc.health.v1.Health', 'Check');
      const access = readAccess(command, terminal.env);
      const request = makeMessage(method.input, { service });
      const answer = await callApi(access, method, request).catch((error: unknown) => {
        throw error instanceof CliError && error.exitCode === EXIT.unreachable
          ? new CliError(EXIT.failed, error.message, { cause: error })
          : error;
      });
      const text = printMessage(method.output, answer.message, 'text').trim();
      const state = /^status: (\w+)$/.exec(text)?.[1] ?? 'UNKNOWN';
      await terminal.print(`${state}\n`);
      finish(state === 'SERVING' ? EXIT.ok : EXIT.failed);
    });
}

import { type DescMethod, type Message, toJson } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import type { OverviewMessage, ServiceSettingsMessage } from '../protocol/view-messages.ts';
import { readAccess } from './access-options.ts';
import { callApi } from './api-client.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { findMethod, makeMessage } from './messages.ts';
import { addFormatAlias, addOutputOption, type OutputOptions, printAnswer } from './output.ts';
import { printSetting } from './setting-line.ts';
import type { Shown } from './shown.ts';
import { statusScreen } from './status-screen.ts';
import type { Terminal } from './terminal.ts';

const VIEW = 'collector.proto.View';

interface StatusOptions extends OutputOptions {
  readonly settings?: boolean;
}

/**
 * Adds `floxy status`.
 *
 * @param finish takes the exit status: ok while packets are forwarded by the rules and nothing needs attention
 */
export function addStatusCommand(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: ExitCode) => void,
): void {
  const command = program
    .command('status')
    .description(
      'print how the node does, its traffic, and what is wrong; exit with 0 when it is OK',
    )
    .option('--settings', 'print the settings by which the running service works instead');
  addFormatAlias(addOutputOption(command, 'table'));
  command.action(async ({ settings, output }: StatusOptions, self: Command) => {
    const ask = async (name: string): Promise<[DescMethod, Message]> => {
      const method = findMethod('floxy', VIEW, name);
      const access = readAccess(self, terminal.env);
      const { message } = await callApi(access, method, makeMessage(method.input, {}));
      return [method, message];
    };
    if (settings) {
      const [method, message] = await ask('GetServiceSettings');
      const shown = toJson(method.output, message) as Shown<ServiceSettingsMessage>;
      const table = () => (shown.settings ?? []).map(printSetting).join('');
      await terminal.print(printAnswer(output, method.output, message, table));
      return;
    }
    const [method, message] = await ask('GetOverview');
    const overview = toJson(method.output, message) as Shown<OverviewMessage>;
    const table = () => statusScreen(overview, new Date());
    await terminal.print(printAnswer(output, method.output, message, table));
    finish(overview.verdict === 'OK' ? EXIT.ok : EXIT.failed);
  });
}

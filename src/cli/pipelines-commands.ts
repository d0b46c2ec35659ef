import path from 'node:path';
import { type Message, toJson } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { messageOf } from '../base/errors.ts';
import { withoutControls } from '../base/text.ts';
import type { PipelineStatsMessage } from '../protocol/pipeline-messages.ts';
import { readAccess } from './access-options.ts';
import { callApi } from './api-client.ts';
import { CliError, EXIT } from './exit.ts';
import { findMethod, makeMessage } from './messages.ts';
import { addOutputOption, type OutputOptions, printAnswer } from './output.ts';
import { pipelinesTable } from './pipelines-table.ts';
import type { Shown } from './shown.ts';
import type { Terminal } from './terminal.ts';

const SERVICE = 'collector.proto.Pipelines';

type StatsShown = Shown<PipelineStatsMessage>;

/** Adds `floxy pipelines …`. @param finish takes the exit status */
export function addPipelinesCommands(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  const pipelines = program
    .command('pipelines')
    .description('print how pipelines do: what becomes of decoded flow, and what is lost');
  addOutputOption(pipelines, 'table').action(async ({ output }: OutputOptions, self: Command) => {
    const method = findMethod('floxy', 'collector.proto.Metrics', 'GetPipelineStats');
    const request = makeMessage(method.input, {});
    const { message } = await callApi(readAccess(self, terminal.env), method, request);
    const table = () => pipelinesTable(toJson(method.output, message) as StatsShown);
    await terminal.print(printAnswer(output, method.output, message, table));
  });
  pipelines
    .command('check')
    .argument('<file>', 'a pipelines file (YAML); - is standard input')
    .description('check a pipelines file: tells all that is wrong with it, with lines and columns')
    .action(async (file: string) => finish(await check(file, terminal)));
  pipelines
    .command('show')
    .description('print the pipelines document of a running service')
    .action((_options: unknown, command: Command) => show(command, terminal));
  pipelines
    .command('replace')
    .argument('[file]', 'a pipelines document (YAML); - is standard input', '-')
    .description('put another pipelines document in force, wholly or not at all')
    .action((file: string, _options: unknown, command: Command) =>
      replace(file, command, terminal),
    );
}

async function show(command: Command, terminal: Terminal): Promise<void> {
  const method = findMethod('floxy', SERVICE, 'GetPipelines');
  const access = readAccess(command, terminal.env);
  const { message } = await callApi(access, method, makeMessage(method.input, {}));
  const { document, file } = message as Message & { document: string; file?: string };
  if (file !== undefined) await terminal.print(`# ${withoutControls(file)}\n`);
  await terminal.print(document);
}

async function replace(file: string, command: Command, terminal: Terminal): Promise<void> {
  const method = findMethod('floxy', SERVICE, 'ReplacePipelines');
  const request = makeMessage(method.input, { document: await readText(file, terminal) });
  await callApi(readAccess(command, terminal.env), method, request);
}

async function check(file: string, terminal: Terminal): Promise<number> {
  const text = await readText(file, terminal);
  // Loaded late: other commands need none of it.
  const { loadPipelines } = await import('../flow/pipeline/config/load.ts');
  const { PipelinesError } = await import('../flow/pipeline/config/problem.ts');
  const { localSecrets } = await import('../flow/pipeline/config/secrets.ts');
  const folder = file === '-' ? process.cwd() : path.dirname(path.resolve(file));
  const secrets = localSecrets(terminal.env, folder);
  const name = file === '-' ? 'standard input' : file;
  try {
    const config = await loadPipelines(text, { file: name, folder, secrets, plugIns: true });
    const names = config.pipelines.map((pipeline) => pipeline.name).join(', ');
    await terminal.print(`${name} is fine: ${names === '' ? 'no pipelines' : names}\n`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof PipelinesError)) throw error;
    for (const line of error.message.split('\n')) terminal.printError(`${withoutControls(line)}\n`);
    return EXIT.usage;
  }
}

async function readText(file: string, terminal: Terminal): Promise<string> {
  try {
    return Buffer.from(await terminal.read(file)).toString('utf8');
  } catch (error) {
    throw new CliError(EXIT.usage, `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

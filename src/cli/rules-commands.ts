import type { DescMethod, Message } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { messageOf } from '../base/errors.ts';
import { REVISION_HEADER } from '../protocol/headers.ts';
import { readAccess } from './access-options.ts';
import { callApi } from './api-client.ts';
import { collectExporter, type ExporterJson } from './endpoint-argument.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';
import {
  addExpectedRevisionOption,
  addFormatOption,
  addOverrideFollowerOption,
  addRevisionOption,
  type FormatOptions,
  requestHeaders,
} from './format-options.ts';
import { addListCommand } from './list-commands.ts';
import { findMethod, makeMessage, parseMessage, printMessage } from './messages.ts';
import { addDiffCommand, addPullCommand } from './peer-commands.ts';
import type { Terminal } from './terminal.ts';
import { withLines } from './text-places.ts';

const SETTINGS = 'collector.proto.Settings';
const STANDARD_INPUT = '-';

interface ReplaceOptions extends FormatOptions {
  readonly allowEmpty?: boolean;
}

interface DeleteOptions extends FormatOptions {
  readonly file?: string;
}

/** Adds `floxy rules …`. @param finish takes the exit status where it is not ok */
export function addRulesCommands(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: ExitCode) => void,
): void {
  const rules = program.command('rules').description('show and change the rules');
  addListCommand(rules, terminal);
  addReplaceCommand(rules, terminal);
  addUpdateCommand(rules, terminal);
  addDeleteCommand(rules, terminal);
  addPullCommand(rules, terminal);
  addDiffCommand(rules, terminal, finish);
}

function addReplaceCommand(rules: Command, terminal: Terminal): void {
  const replace = rules
    .command('replace')
    .description('replace all rules and default outputs by those of a file')
    .argument('[file]', 'ProxyRules as protobuf text or JSON; - is standard input', STANDARD_INPUT)
    .option('--allow-empty', 'delete everything when the file has neither rules nor outputs');
  addChangeOptions(replace).action(
    async (file: string, options: ReplaceOptions, command: Command) => {
      const method = findMethod('floxy', SETTINGS, 'ReplaceProxyRules');
      const input = await readInput(terminal, file, method, options);
      if (!options.allowEmpty && isEmpty(method, input.request)) {
        throw new CliError(
          EXIT.usage,
          `${input.name} has neither rules nor default outputs: pass --allow-empty to delete all`,
        );
      }
      await change(terminal, command, { method, input, options });
    },
  );
}

function addUpdateCommand(rules: Command, terminal: Terminal): void {
  const update = rules
    .command('update')
    .description('add rules, or replace the outputs of those that exist')
    .argument('[file]', 'ProxyRules as protobuf text or JSON; - is standard input', STANDARD_INPUT);
  addChangeOptions(update).action(
    async (file: string, options: FormatOptions, command: Command) => {
      const method = findMethod('floxy', SETTINGS, 'UpdateProxyRules');
      const input = await readInput(terminal, file, method, options);
      await change(terminal, command, { method, input, options });
    },
  );
}

function addDeleteCommand(rules: Command, terminal: Terminal): void {
  const remove = rules
    .command('delete')
    .description('delete the rules of the given exporters, each named exactly as in its rule')
    .argument(
      '[exporter...]',
      'such as 192.0.2.1, 192.0.2.1:1000, [2001:db8::1]:1000',
      collectExporter,
    )
    .option('--file <file>', 'read a DeleteProxyRulesRequest instead; - is standard input');
  addChangeOptions(remove).action(
    async (exporters: readonly ExporterJson[], options: DeleteOptions, command: Command) => {
      if (exporters.length > 0 === (options.file !== undefined)) {
        throw new CliError(EXIT.usage, 'rules delete: give exporters, or --file');
      }
      const method = findMethod('floxy', SETTINGS, 'DeleteProxyRules');
      const input =
        options.file === undefined
          ? { request: makeMessage(method.input, { exporters: [...exporters] }), name: 'arguments' }
          : await readInput(terminal, options.file, method, options);
      await change(terminal, command, { method, input, options });
    },
  );
}

function addChangeOptions(command: Command): Command {
  const shared = addRevisionOption(addExpectedRevisionOption(addFormatOption(command)));
  return addOverrideFollowerOption(shared);
}

/** Makes a call that changes rules. Prints nothing on success, unless asked for the revision. */
async function change(
  terminal: Terminal,
  command: Command,
  call: {
    readonly method: DescMethod;
    readonly input: Input;
    readonly options: FormatOptions;
  },
): Promise<void> {
  const { method, input, options } = call;
  const access = readAccess(command, terminal.env);
  const answer = await callApi(access, method, input.request, requestHeaders(options)).catch(
    (error: unknown) => {
      throw input.text === undefined ? error : locate(error, input.name, input.text);
    },
  );
  if (options.revision) printRevision(terminal, answer.header(REVISION_HEADER));
}

/** The places in input that the service refuses have lines in its text. */
function locate(error: unknown, name: string, text: string): unknown {
  if (!(error instanceof CliError) || error.exitCode !== EXIT.usage) return error;
  return new CliError(error.exitCode, withLines(error.message, name, text), { cause: error });
}

function printRevision(terminal: Terminal, revision: string | undefined): void {
  terminal.printError(`revision: ${revision ?? 'unknown'}\n`);
}

/** A request, and where it comes from. */
interface Input {
  readonly request: Message;
  readonly name: string;
  /** As it was written; undefined when it is not protobuf text. */
  readonly text?: string;
}

async function readInput(
  terminal: Terminal,
  file: string,
  method: DescMethod,
  options: FormatOptions,
): Promise<Input> {
  const bytes = await readBytes(terminal, file);
  const format = options.format ?? (file.endsWith('.json') ? 'json' : 'text');
  const name = nameOf(file);
  const request = parseMessage(method.input, { name, bytes, format });
  return format === 'json'
    ? { request, name }
    : { request, name, text: new TextDecoder().decode(bytes) };
}

async function readBytes(terminal: Terminal, file: string): Promise<Uint8Array> {
  try {
    return await terminal.read(file);
  } catch (error) {
    throw new CliError(EXIT.usage, `${nameOf(file)} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function nameOf(file: string): string {
  return file === STANDARD_INPUT ? 'standard input' : file;
}

function isEmpty(method: DescMethod, request: Message): boolean {
  return printMessage(method.input, request, 'text') === '';
}

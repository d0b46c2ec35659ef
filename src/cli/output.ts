/** How commands print answers: one option of all of them. */
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type Command, Option } from 'commander';
import { printMessage } from './messages.ts';

/**
 * - `table`: for people. It may change with any version.
 * - `json`: the answer as protobuf JSON, with the names of proto/*.proto; absent is what is empty. For programs.
 * - `text`: the answer as protobuf text, as grpcurl prints it; commands that change things read it back.
 */
export type OutputFormat = 'table' | 'json' | 'text';

export interface OutputOptions<Format extends OutputFormat = OutputFormat> {
  readonly output: Format;
}

const MEANINGS: Readonly<Record<OutputFormat, string>> = {
  table: 'a table for people',
  json: 'JSON',
  text: 'protobuf text',
};

const ALL: readonly OutputFormat[] = ['table', 'json', 'text'];

/**
 * Adds `-o, --output`. What people look at is a table unless they say otherwise; what is commonly piped, or given
 * back to a command that changes something, is text. It never depends on where the output goes.
 *
 * @param formats that the command has
 */
export function addOutputOption<const Format extends OutputFormat>(
  command: Command,
  fallback: Format,
  formats: readonly Format[] = ALL as readonly Format[],
): Command {
  const meanings = formats.map((format) => MEANINGS[format]);
  const last = meanings.pop();
  return command.addOption(
    new Option('-o, --output <format>', `${meanings.join(', ')} or ${last}`)
      .choices(formats)
      .default(fallback),
  );
}

/** `--format` is an earlier name of the option, for commands that had it. */
export function addFormatAlias(command: Command): Command {
  command.addOption(
    new Option('--format <format>', 'the same as -o').choices(['json', 'text']).hideHelp(),
  );
  return command.on('option:format', (format: OutputFormat) =>
    command.setOptionValue('output', format),
  );
}

/** @param table what people see of the message */
export function printAnswer<Desc extends DescMessage>(
  output: OutputFormat,
  schema: Desc,
  message: MessageShape<Desc>,
  table: (message: MessageShape<Desc>) => string,
): string {
  return output === 'table' ? table(message) : printMessage(schema, message, output);
}

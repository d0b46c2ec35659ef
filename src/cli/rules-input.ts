/** Files of rules as the command line takes them. */
import { type DescMessage, fromJson, type JsonValue, type Message } from '@bufbuild/protobuf';
import { messageOf } from '../base/errors.ts';
import { Document, type DocumentProblem, formatOf } from '../rules-file/document.ts';
import type { Value } from '../rules-file/reading.ts';
import {
  formatProblem,
  placeListed,
  type ReadRules,
  readRules,
  UNKNOWN_HOST,
} from '../rules-file/rules-file.ts';
import { shapeOf } from '../rules-file/shape.ts';
import { CliError, EXIT, InputError } from './exit.ts';
import type { MessageFormat } from './messages.ts';
import type { Terminal } from './terminal.ts';

export const STANDARD_INPUT = '-';

/** More are counted, not printed. */
const MAX_PRINTED = 100;

/** A file that was read: its form is right. */
export class RulesInput {
  /** For people. */
  readonly name: string;
  readonly document: Document;

  private constructor(name: string, document: Document) {
    this.name = name;
    this.document = document;
  }

  /**
   * @param format undefined = as its name says
   * @throws CliError with all that is wrong with its form, and where
   */
  static async read(
    terminal: Terminal,
    file: string,
    schema: DescMessage,
    format: MessageFormat | undefined,
  ): Promise<RulesInput> {
    const name = file === STANDARD_INPUT ? 'standard input' : file;
    const bytes = await readBytes(terminal, file, name);
    const document = await Document.read(bytes, shapeOf(schema), format ?? formatOf(file));
    const input = new RulesInput(name, document);
    input.refuse(document.problems);
    return input;
  }

  /** As a request. */
  toMessage(schema: DescMessage): Message {
    return fromJson(schema, toJsonValue(this.document.message));
  }

  /** @throws CliError with all that is wrong with the rules, as far as it can be told without the service */
  async rules(): Promise<ReadRules['ruleSet']> {
    const { ruleSet, problems } = await readRules(this.document, UNKNOWN_HOST);
    this.refuse(problems);
    return ruleSet;
  }

  /** `rules.txtpb:14`; undefined when it is not in the file. */
  placeOf(path: string): string | undefined {
    const place = this.document.placeOf(path);
    return place && `${this.name}:${place.line}`;
  }

  /** @throws InputError when there are any */
  refuse(problems: readonly DocumentProblem[]): void {
    if (problems.length === 0) return;
    const lines = problems
      .slice(0, MAX_PRINTED)
      .map((problem) => formatProblem(this.name, this.document, problem));
    const rest = problems.length - lines.length;
    if (rest > 0) lines.push(`and ${rest} more`);
    throw new InputError(lines);
  }

  /** What a service says of the request, with its places in the file. Other errors are as they were. */
  explain(error: unknown): unknown {
    if (!(error instanceof CliError) || error.exitCode !== EXIT.usage) return error;
    const text = error.message.replace(/^INVALID_ARGUMENT: /, '');
    const listed = placeListed(this.document, text);
    if (listed === undefined) return error;
    return new InputError(
      listed.map((problem) =>
        typeof problem === 'string' ? problem : formatProblem(this.name, this.document, problem),
      ),
    );
  }
}

async function readBytes(terminal: Terminal, file: string, name: string): Promise<Uint8Array> {
  try {
    return await terminal.read(file);
  } catch (error) {
    const message = `${name} cannot be read: ${messageOf(error)}`;
    throw new CliError(EXIT.usage, message, { cause: error });
  }
}

/** Bytes are base64 in JSON. */
function toJsonValue(value: Value): JsonValue {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(toJsonValue);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, toJsonValue(of)]));
}

import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  fromJson,
  fromJsonString,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { fromText } from '@bufbuild/protobuf/txtpb';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { messageOf } from '../base/errors.ts';
import { packageRoot } from '../package-root.ts';
import { CliError, EXIT } from './exit.ts';
import { printText } from './text-format.ts';

/** The line of an error is looked for in texts up to this size; it takes up to two seconds. */
const MAX_SEARCHED_BYTES = 512 * 1024;

/** How messages are read and printed. */
export type MessageFormat = 'text' | 'json';

/**
 * Finds a call of the gRPC API, with the types of its messages.
 *
 * @param set name of the compiled protocol in dist/proto
 */
export function findMethod(set: 'floxy' | 'health', service: string, name: string): DescMethod {
  const method = loadProtocol(set)
    .getService(service)
    ?.methods.find((candidate) => candidate.name === name);
  if (method !== undefined) return method;
  throw new CliError(
    EXIT.failed,
    `the compiled protocol has no ${service}/${name}: run scripts/start or npm run build`,
  );
}

function loadProtocol(set: string): FileRegistry {
  const file = path.join(packageRoot, 'dist', 'proto', `${set}.binpb`);
  try {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file)));
  } catch (error) {
    throw new CliError(
      EXIT.failed,
      `the compiled protocol cannot be read: run scripts/start or npm run build (${messageOf(error)})`,
      { cause: error },
    );
  }
}

/** Prints a message as protobuf text or as JSON. Ends with a line feed, unless empty. */
export function printMessage(schema: DescMessage, message: Message, format: MessageFormat): string {
  return format === 'json'
    ? `${JSON.stringify(toJson(schema, message), undefined, 2)}\n`
    : printText(schema, message);
}

export function encodeMessage(schema: DescMessage, message: Message): Uint8Array {
  return toBinary(schema, message);
}

/** Makes a message from its JSON form. */
export function makeMessage(schema: DescMessage, value: JsonValue): Message {
  return fromJson(schema, value);
}

/**
 * Reads a message.
 *
 * @param name of the file, for the error
 * @throws CliError with the file's name, and the line where it is known
 */
export function parseMessage(
  schema: DescMessage,
  input: { readonly name: string; readonly bytes: Uint8Array; readonly format: MessageFormat },
): Message {
  const parse = input.format === 'json' ? fromJsonString : fromText;
  try {
    return parse(schema, decodeUtf8(input.bytes));
  } catch (error) {
    const line = input.format === 'text' ? findLine(schema, input.bytes, error) : '';
    throw new CliError(EXIT.usage, `${input.name}${line}: ${messageOf(error)}`, { cause: error });
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/**
 * The text parser does not say where it stopped. It reads from the front, so that the bad line is the last one
 * of the shortest beginning that fails in the same way.
 *
 * @returns `:12`, or nothing when the end of the text is missing, it is very long, or no text at all
 */
function findLine(schema: DescMessage, bytes: Uint8Array, error: unknown): string {
  const isEndMissing = messageOf(error).startsWith('unexpected end of input');
  if (isEndMissing || bytes.length > MAX_SEARCHED_BYTES) return '';
  const lines = new TextDecoder().decode(bytes).split('\n');
  const failsWithin = (count: number) =>
    errorOf(schema, lines.slice(0, count).join('\n')) === messageOf(error);
  let good = 0;
  let bad = lines.length;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (failsWithin(middle)) bad = middle;
    else good = middle;
  }
  return failsWithin(bad) ? `:${bad}` : '';
}

function errorOf(schema: DescMessage, text: string): string | undefined {
  try {
    fromText(schema, text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

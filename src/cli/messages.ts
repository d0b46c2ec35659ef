import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { messageOf } from '../base/errors.ts';
import { packageRoot } from '../package-root.ts';
import { CliError, EXIT } from './exit.ts';
import { printText } from './text-format.ts';

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
  const file = path.join(packageRoot, 'dist', 'proto', 'types', `${set}.binpb`);
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

import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { toText } from '@bufbuild/protobuf/txtpb';

const INDENT = '    ';

/**
 * Prints a message as protobuf text. A message that holds plain values only stands on one line, such as
 * `endpoint: {host: "192.0.2.11" port: 1001}`; others are indented by 4. Ends with a line feed, unless empty.
 */
export function printText<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): string {
  return compact(toText(schema, message));
}

/**
 * Works on lines: the library prints one field on a line, `name: {` and `}` around the fields of a message,
 * and line feeds in strings as escapes.
 */
function compact(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const printed: string[] = [];
  let depth = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line === '}') depth--;
    const end = line.endsWith('{') ? endOfPlainFields(lines, at + 1) : undefined;
    const indent = line === '' ? '' : INDENT.repeat(depth);
    if (end === undefined) {
      printed.push(indent + line);
      if (line.endsWith('{')) depth++;
    } else {
      printed.push(`${indent}${line}${lines.slice(at + 1, end).join(' ')}}`);
      at = end;
    }
  }
  return printed.join('\n');
}

/** Where the message ends that has its first field at `start`, if none of its fields is a message. */
function endOfPlainFields(lines: readonly string[], start: number): number | undefined {
  for (let at = start; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line === '}') return at;
    if (line.endsWith('{') || line.endsWith('}')) return undefined;
  }
  return undefined;
}

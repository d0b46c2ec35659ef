/** What zod finds wrong, as problems with places. */
import { z } from 'zod';
import { nearestText } from '../../../base/nearest.ts';
import type { Path, YamlDocument } from './document.ts';
import { formatPath, type PipelinesProblem } from './problem.ts';

/** Keys that differ from what was written by more letters than this were hardly meant. */
const MAX_TYPING_ERRORS = 3;

/** @param path where the value that the schema was held against stands in the document */
export function problemsOf(
  error: z.ZodError,
  schema: z.ZodType,
  path: Path,
  document: YamlDocument,
): PipelinesProblem[] {
  return error.issues.flatMap((issue) => {
    const at = [...path, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        ...document.placeOfKey([...at, key]),
        path: formatPath([...at, key]),
        message: unknownKey(key, keysAt(schema, issue.path)),
      }));
    }
    const isKey = issue.code === 'invalid_key';
    const place = isKey ? document.placeOfKey(at) : document.placeOfValue(at);
    return [{ ...place, path: formatPath(at), message: messageOf(issue) }];
  });
}

/** `there is no "formt" here: is "format" meant?` */
export function unknownName(what: string, written: string, known: readonly string[]): string {
  return `there is no ${what} ${JSON.stringify(written)}${suggestion(written, known)}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  return unknownName('key', key, known);
}

function suggestion(written: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = nearestText(written, known);
  if (nearest.distance <= MAX_TYPING_ERRORS) return `: is ${nearest.text} meant?`;
  return `: there are ${known.join(', ')}`;
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined && issue.message.endsWith('received undefined'))
        return `is missing: it must be ${article(issue.expected)}`;
      return issue.message.startsWith('Invalid input')
        ? `must be ${article(issue.expected)}`
        : issue.message;
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`;
    case 'too_small':
      return `must be at least ${String(issue.minimum)}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must be at most ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' letters long';
  return origin === 'array' ? ' long' : '';
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function article(expected: string): string {
  return NOUNS[expected] ?? expected;
}

/** The keys that a schema knows at a path of values. */
function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  const inner = unwrap(schema);
  const [part, ...rest] = path;
  if (part === undefined) return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
  const next = partOf(inner, part);
  return next === undefined ? [] : keysAt(next, rest);
}

function partOf(schema: z.core.$ZodType, part: PropertyKey): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[String(part)] as z.ZodType | undefined;
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  if (schema instanceof z.ZodRecord) return schema.valueType as z.ZodType;
  return undefined;
}

/** What defaults and the like are around. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
  ) {
    return unwrap(schema.def.innerType);
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.def.in) : schema;
}

/**
 * What leads back from one revision to the one before, as it is kept: lists of items in JSON, compressed. Rules in it
 * have the one form that they have outside a process (rules/message.ts).
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Problem } from '../base/errors.ts';
import type { RuleUndo } from '../model/history.ts';
import type { Exporter, Output, Rule } from '../model/rules.ts';
import type { Unchecked } from './endpoint-message.ts';
import {
  type ExporterMessage,
  exporterMessage,
  type RuleMessage,
  type RuleReader,
  ruleMessage,
} from './message.ts';
import { type OutputMessage, outputMessage } from './output-message.ts';

/** A part is complete with so many items, or so much text: a few milliseconds of work for who reads it. */
const ITEMS_PER_PART = 1000;
const CHARACTERS_PER_PART = 1024 * 1024;

/** Speed counts: the largest undo is made while a change waits for it. */
const COMPRESSION_LEVEL = 1;

/** No part unpacks to more, so that a damaged one cannot fill the memory: a rule takes 200 KB at most. */
const MAX_PART_BYTES = 2 * CHARACTERS_PER_PART;

interface UndoItemMessage {
  /** The first item of a whole rule set. Then come those whose rules are others, and all rules in their order. */
  readonly whole?: boolean;
  readonly named?: ExporterMessage;
  readonly added?: ExporterMessage;
  readonly rule?: RuleMessage;
  /** Where a rule stood that the change removed; absent: it stands in its place. */
  readonly at?: number;
  readonly defaultOutputs?: readonly OutputMessage[];
}

/** One step back, as it was read. */
export type UndoItem =
  | { readonly kind: 'whole' }
  | { readonly kind: 'named'; readonly exporter: Exporter }
  | { readonly kind: 'added'; readonly exporter: Exporter }
  | { readonly kind: 'rule'; readonly rule: Rule; readonly at: number | undefined }
  | { readonly kind: 'defaults'; readonly defaultOutputs: readonly Output[] };

/**
 * The items of an undo. Of a whole rule set only the first ones: whoever has its rules adds them (ruleItem()).
 */
export function* undoItems(undo: RuleUndo): Generator<string> {
  if (undo.kind === 'whole') {
    yield text({ whole: true });
    for (const exporter of undo.named) yield text({ named: exporterMessage(exporter, 'text') });
    return;
  }
  const { added, changed, removed, defaultOutputs } = undo;
  for (const exporter of added) yield text({ added: exporterMessage(exporter, 'text') });
  for (const rule of changed) yield text({ rule: ruleMessage(rule, 'text') });
  for (const { rule, index } of removed) yield text({ rule: ruleMessage(rule, 'text'), at: index });
  if (defaultOutputs === undefined) return;
  yield text({ defaultOutputs: defaultOutputs.map((output) => outputMessage(output, 'text')) });
}

/** The item of a rule. @param rule JSON of its message without outputs @param outputs JSON of their messages */
export function ruleItem(rule: string, outputs: string): string {
  return `{"rule":${rule.slice(0, -1)},"outputs":${outputs}}}`;
}

/** The item of default outputs. @param outputs JSON of their messages, each */
export function defaultsItem(outputs: readonly string[]): string {
  return `{"defaultOutputs":[${outputs.join(',')}]}`;
}

function text(item: UndoItemMessage): string {
  return JSON.stringify(item);
}

/** @param items JSON of each. @returns parts of about a thousand, each of which can be read by itself */
export function* packItems(items: Iterable<string>): Generator<Buffer> {
  let part: string[] = [];
  let characters = 0;
  for (const item of items) {
    part.push(item);
    characters += item.length;
    if (part.length < ITEMS_PER_PART && characters < CHARACTERS_PER_PART) continue;
    yield pack(part);
    part = [];
    characters = 0;
  }
  if (part.length > 0) yield pack(part);
}

function pack(items: readonly string[]): Buffer {
  return deflateRawSync(`[${items.join(',')}]`, { level: COMPRESSION_LEVEL });
}

/**
 * Whether a part undoes something of an exporter's rule.
 *
 * @param exporter without port, or listening port: whatever it is
 * @param isWhole it is of a whole rule set
 * @throws UndoError
 */
export function concerns(
  part: Uint8Array,
  { endpoint: { host, port }, prefixLength, listeningPort }: Exporter,
  isWhole: boolean,
): boolean {
  const packed = unpack(part);
  if (!packed.includes(`"host":${JSON.stringify(host)}`)) return false;
  return parse(packed).some(({ named, added, rule }) => {
    const exporter = named ?? added ?? (isWhole ? undefined : rule?.exporter);
    const endpoint = exporter?.endpoint;
    return (
      endpoint?.host === host &&
      exporter?.prefixLength === prefixLength &&
      (port === 0 || endpoint.port === port) &&
      (listeningPort === undefined || exporter?.listeningPort === listeningPort)
    );
  });
}

/** An undo that is not what was written. */
export class UndoError extends Error {
  override readonly name = 'UndoError';
}

/** @throws UndoError */
export function unpackItems(part: Uint8Array, reader: RuleReader): UndoItem[] {
  const items = parse(unpack(part));
  const before = reader.problems.length;
  let read: UndoItem[];
  try {
    read = items.map((item, i) => readItem(item, `[${i}]`, reader));
  } catch (cause) {
    if (cause instanceof UndoError) throw cause;
    throw new UndoError('an item is not of the shape of what is written', { cause });
  }
  const problem = reader.problems[before];
  if (problem !== undefined) throw new UndoError(describe(problem));
  return read;
}

function unpack(part: Uint8Array): string {
  try {
    return inflateRawSync(part, { maxOutputLength: MAX_PART_BYTES }).toString();
  } catch (cause) {
    throw new UndoError('a part cannot be unpacked', { cause });
  }
}

function parse(packed: string): Unchecked<UndoItemMessage>[] {
  let items: unknown;
  try {
    items = JSON.parse(packed);
  } catch (cause) {
    throw new UndoError('a part is no JSON', { cause });
  }
  if (Array.isArray(items)) return items;
  throw new UndoError('a part is no list');
}

function readItem(item: Unchecked<UndoItemMessage>, path: string, reader: RuleReader): UndoItem {
  const { whole, named, added, rule, at, defaultOutputs } = item;
  if (whole === true) return { kind: 'whole' };
  if (named) return { kind: 'named', exporter: reader.exporter(named, `${path}.named`) };
  if (added) return { kind: 'added', exporter: reader.exporter(added, `${path}.added`) };
  if (defaultOutputs) {
    return { kind: 'defaults', defaultOutputs: reader.outputs(defaultOutputs, path) };
  }
  if (!rule) throw new UndoError(`${path} is of a newer version`);
  if (at === undefined || (Number.isSafeInteger(at) && Number(at) >= 0)) {
    return { kind: 'rule', rule: reader.rule(rule, `${path}.rule`), at: at as number | undefined };
  }
  throw new UndoError(`${path}.at is no place`);
}

function describe({ path, message }: Problem): string {
  return `${path}: ${message}`;
}

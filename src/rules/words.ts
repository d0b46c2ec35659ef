/** Words of rules, for people: names, descriptions and what they expect to hear. Packets are handled alike without them. */
import { Turn } from '../base/turn.ts';
import {
  type Exporter,
  exporterKey,
  type Output,
  type Rule,
  type RuleSet,
} from '../model/rules.ts';
import type { RulesDifference } from './comparison.ts';
import { outputMessage } from './output-message.ts';

/** A name, a description. */
interface Words {
  readonly name?: string;
  readonly description?: string;
}

const NO_WORDS: Words = {};

/** Those that are there, of an output, a rule or a collector. Most have none. */
export function wordsOf({ name, description }: Words): Words {
  if (name === undefined && description === undefined) return NO_WORDS;
  return { ...(name !== undefined && { name }), ...(description !== undefined && { description }) };
}

export function descriptionOf({ description }: Pick<Words, 'description'>): Words {
  return description === undefined ? NO_WORDS : { description };
}

/** Rules are never changed in place. */
const texts = new WeakMap<readonly Output[], string>();

/**
 * Whether rule sets differ in words alone, so that the table of one is that of the other. Lets the process do other things
 * in between.
 */
export async function differInWords(
  from: RuleSet,
  to: RuleSet,
  difference: RulesDifference,
): Promise<boolean> {
  const { added, removed, changed, isReordered } = difference;
  if (added.length + removed.length > 0 || isReordered) return false;
  if (!areAlike(from.defaultOutputs, to.defaultOutputs)) return false;
  const before = await findRules(from.rules, changed);
  const after = await findRules(to.rules, changed);
  return [...before].every(([key, { outputs }]) =>
    areAlike(outputs, after.get(key)?.outputs ?? []),
  );
}

async function findRules(
  rules: readonly Rule[],
  exporters: readonly Exporter[],
): Promise<ReadonlyMap<string, Rule>> {
  const wanted = new Set(exporters.map(exporterKey));
  const found = new Map<string, Rule>();
  if (wanted.size === 0) return found;
  const turn = new Turn();
  for (const rule of rules) {
    if (turn.isOver) await turn.next();
    const key = exporterKey(rule.exporter);
    if (wanted.has(key)) found.set(key, rule);
  }
  return found;
}

function areAlike(some: readonly Output[], others: readonly Output[]): boolean {
  return some === others || textOf(some) === textOf(others);
}

function textOf(outputs: readonly Output[]): string {
  const known = texts.get(outputs);
  if (known !== undefined) return known;
  const text = JSON.stringify(outputs.map(wordless));
  texts.set(outputs, text);
  return text;
}

function wordless(output: Output) {
  const { name: _, description: __, ...message } = outputMessage(output, 'text');
  const collectors = message.collectors?.map(({ description: ___, ...collector }) => collector);
  return { ...message, ...(collectors && { collectors }) };
}

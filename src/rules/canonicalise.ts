/**
 * From messages to the model: whole rule sets, complete and canonical. What depends on other rules or on this host
 * is the business of rules/validate.ts.
 */
import { invalidInput } from '../base/errors.ts';
import { checkHeapRoom } from '../base/heap-room.ts';
import { Turn } from '../base/turn.ts';
import type { Exporter, Rule, RuleSet } from '../model/rules.ts';
import type { Unchecked } from './endpoint-message.ts';
import { type ExporterMessage, RuleReader, type RuleSetMessage } from './message.ts';

/** @throws FloxyError INVALID_INPUT that names every bad place */
export function canonicaliseRuleSet(message: Unchecked<RuleSetMessage>): RuleSet {
  const reader = new RuleReader();
  const rules = (message.rules ?? []).map((rule, i) => reader.rule(rule, `rules[${i}]`));
  return complete(reader, rules, message);
}

/**
 * Does the same, and lets the process do other things in between.
 *
 * @throws FloxyError LIMIT_EXCEEDED also when there is no memory for it
 */
export async function canonicaliseInTurns(message: Unchecked<RuleSetMessage>): Promise<RuleSet> {
  const reader = new RuleReader();
  const turn = new Turn();
  const rules: Rule[] = [];
  for (const rule of message.rules ?? []) {
    if (turn.isOver) {
      await turn.next();
      checkHeapRoom();
    }
    rules.push(reader.rule(rule, `rules[${rules.length}]`));
  }
  return complete(reader, rules, message);
}

/**
 * @param field what the list is called in the paths of problems
 * @throws FloxyError INVALID_INPUT that names every bad place
 */
export function canonicaliseExporters(
  messages: readonly Unchecked<ExporterMessage>[],
  field: string,
): Exporter[] {
  const reader = new RuleReader();
  const exporters = messages.map((message, i) => reader.exporter(message, `${field}[${i}]`));
  checkProblems(reader);
  return exporters;
}

function complete(
  reader: RuleReader,
  rules: readonly Rule[],
  { defaultOutputs }: Unchecked<RuleSetMessage>,
): RuleSet {
  const ruleSet = {
    rules,
    defaultOutputs: reader.outputs(defaultOutputs ?? [], 'default_outputs'),
  };
  checkProblems(reader);
  return ruleSet;
}

function checkProblems({ problems }: RuleReader): void {
  if (problems.length > 0) throw invalidInput(problems);
}

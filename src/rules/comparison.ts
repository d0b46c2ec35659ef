/** What is different between two rule sets, rule by rule. */
import { Turn } from '../base/turn.ts';
import { type Exporter, exporterKey, type Rule, type RuleSet } from '../model/rules.ts';
import { areSameOutputs, isSameRule } from './digest.ts';

export interface RulesDifference {
  readonly added: readonly Exporter[];
  readonly removed: readonly Exporter[];
  /** Those whose rules say something else than before. */
  readonly changed: readonly Exporter[];
  readonly areDefaultOutputsChanged: boolean;
  /** Rules that are in both sets are in another order. */
  readonly isReordered: boolean;
}

/** Whether both are the same, the order of everything included. */
export function isNoDifference(difference: RulesDifference): boolean {
  const { added, removed, changed, areDefaultOutputsChanged, isReordered } = difference;
  const rules = added.length + removed.length + changed.length;
  return rules === 0 && !areDefaultOutputsChanged && !isReordered;
}

/**
 * Compares rule sets, and lets the process do other things in between. Quick for rules that are the same objects in
 * both.
 */
export async function compareRules(from: RuleSet, to: RuleSet): Promise<RulesDifference> {
  const changed: Exporter[] = [];
  const gone = new Map<string, Place>();
  const turn = new Turn();
  let at = 0;
  let lastMatched = -1;
  for (const [index, rule] of from.rules.entries()) {
    if (turn.isOver) await turn.next();
    const present = to.rules[at];
    if (present === undefined || !isSameExporter(rule.exporter, present.exporter)) {
      gone.set(exporterKey(rule.exporter), { rule, index });
      continue;
    }
    if (!isSameRule(rule, present)) changed.push(present.exporter);
    lastMatched = index;
    at++;
  }
  const rest = matchRest(gone, to.rules.slice(at), lastMatched);
  return {
    ...rest,
    changed: changed.concat(rest.changed),
    areDefaultOutputsChanged: !areSameOutputs(from.defaultOutputs, to.defaultOutputs),
  };
}

/** A rule and where it was. */
interface Place {
  readonly rule: Rule;
  readonly index: number;
}

/**
 * Of those that have no partner at their place.
 *
 * @param gone by exporterKey()
 * @param lastIndex of the old rules that have one
 */
function matchRest(
  gone: Map<string, Place>,
  come: readonly Rule[],
  lastIndex: number,
): Omit<RulesDifference, 'areDefaultOutputsChanged'> {
  const added: Exporter[] = [];
  const changed: Exporter[] = [];
  let last = lastIndex;
  let isReordered = false;
  for (const rule of come) {
    const key = exporterKey(rule.exporter);
    const before = gone.get(key);
    if (before === undefined) {
      added.push(rule.exporter);
      continue;
    }
    gone.delete(key);
    if (before.index < last) isReordered = true;
    last = before.index;
    if (!isSameRule(before.rule, rule)) changed.push(rule.exporter);
  }
  const removed = Array.from(gone.values(), ({ rule }) => rule.exporter);
  return { added, removed, changed, isReordered };
}

function isSameExporter(one: Exporter, other: Exporter): boolean {
  return one === other || exporterKey(one) === exporterKey(other);
}

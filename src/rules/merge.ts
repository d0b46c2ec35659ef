/** What a change makes of a rule set (spec A2 to A4). Pure: untouched rules stay the same objects. */

import { FloxyError } from '../base/errors.ts';
import {
  type Exporter,
  exporterKey,
  type Rule,
  type RuleChange,
  type RuleSet,
} from '../model/rules.ts';

/** @throws FloxyError NOT_FOUND when an exporter to delete has no rule; it names all of them */
export function mergeChange(current: RuleSet, change: RuleChange): RuleSet {
  if (change.kind === 'replace') return change.ruleSet;
  const { deleted, upserts, defaultOutputs } = change;
  const rest = deleted.length === 0 ? current.rules : deleteRules(current.rules, deleted);
  return {
    rules: upserts.length === 0 ? rest : upsertRules(rest, upserts),
    defaultOutputs: defaultOutputs ?? current.defaultOutputs,
  };
}

/** An exporter's rule keeps its place, a new one goes to the end. */
function upsertRules(current: readonly Rule[], added: readonly Rule[]): Rule[] {
  const waiting = new Map(added.map((rule) => [exporterKey(rule.exporter), rule]));
  const rules = current.map((rule) => {
    const exporter = exporterKey(rule.exporter);
    const replacement = waiting.get(exporter);
    if (replacement === undefined) return rule;
    waiting.delete(exporter);
    return replacement;
  });
  return rules.concat([...waiting.values()]);
}

function deleteRules(current: readonly Rule[], exporters: readonly Exporter[]): Rule[] {
  const wanted = new Set(exporters.map(exporterKey));
  const unknown = new Set(wanted);
  const rules = current.filter((rule) => {
    const exporter = exporterKey(rule.exporter);
    unknown.delete(exporter);
    return !wanted.has(exporter);
  });
  if (unknown.size > 0) throw unknownExporters([...unknown]);
  return rules;
}

const MAX_EXPORTERS_LISTED = 20;

/** @param exporters as exporterKey() names them */
export function unknownExporters(exporters: readonly string[]): FloxyError {
  const listed = exporters.slice(0, MAX_EXPORTERS_LISTED).join(', ');
  const rest = exporters.length - MAX_EXPORTERS_LISTED;
  const more = rest > 0 ? ` and ${rest} more` : '';
  return new FloxyError('NOT_FOUND', `no rule for exporter ${listed}${more}`);
}

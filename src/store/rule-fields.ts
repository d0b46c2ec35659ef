/** Which rules the versions before this one cannot read: those that say more than these fields. */
import type { Output, Rule, RuleChange } from '../model/rules.ts';

const OF_RULE: ReadonlySet<string> = new Set<keyof Rule>(['exporter', 'outputs']);
const OF_EXPORTER: ReadonlySet<string> = new Set<keyof Rule['exporter']>(['endpoint']);
const OF_OUTPUT: ReadonlySet<string> = new Set<keyof Output>(['collectors', 'pipeline']);
const OF_COLLECTOR: ReadonlySet<string> = new Set(['endpoint', 'weight']);

/** Whether any of the rules that a change brings has one of the fields that came with SCHEMA_VERSION. */
export function hasLaterFields(change: RuleChange): boolean {
  const { rules, defaultOutputs = [] } =
    change.kind === 'replace' ? change.ruleSet : { ...change, rules: change.upserts };
  // Many rules have the same outputs.
  const plain = new Set<readonly Output[]>();
  const arePlain = (outputs: readonly Output[]) => {
    if (plain.has(outputs)) return true;
    if (!outputs.every(isPlainOutput)) return false;
    plain.add(outputs);
    return true;
  };
  const isPlainRule = (rule: Rule) =>
    hasOnly(rule, OF_RULE) && hasOnly(rule.exporter, OF_EXPORTER) && arePlain(rule.outputs);
  return !(rules.every(isPlainRule) && arePlain(defaultOutputs));
}

function isPlainOutput(output: Output): boolean {
  const { collectors = [] } = output;
  return (
    hasOnly(output, OF_OUTPUT) && collectors.every((collector) => hasOnly(collector, OF_COLLECTOR))
  );
}

function hasOnly(value: object, names: ReadonlySet<string>): boolean {
  for (const name in value) if (!names.has(name)) return false;
  return true;
}

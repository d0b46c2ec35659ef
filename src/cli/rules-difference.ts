import {
  type Collector,
  collectorKey,
  exporterKey,
  type Output,
  type Rule,
  type RuleSet,
} from '../model/rules.ts';
import { collectorMessage, outputMessage, ruleMessage } from '../rules/message.ts';

/** What one rule set has and another has not, as text. */
export interface RulesDifference {
  /** One line for each rule added or removed, three for each changed one. */
  readonly lines: readonly string[];
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
}

const DEFAULT_OUTPUTS = 'default outputs';

/**
 * Tells what has to change for one rule set to become another. Order has no meaning: rule sets that differ in
 * it alone are the same.
 */
export function compareRuleSets(from: RuleSet, to: RuleSet): RulesDifference {
  const old = describe(from);
  const present = describe(to);
  const lines: string[] = [];
  const count = { added: 0, removed: 0, changed: 0 };
  for (const [exporter, outputs] of present) {
    const before = old.get(exporter);
    if (before === undefined) {
      count.added += 1;
      lines.push(`added ${exporter}: ${outputs}`);
    } else if (before !== outputs) {
      count.changed += 1;
      lines.push(`changed ${exporter}:`, `  - ${before}`, `  + ${outputs}`);
    }
  }
  for (const [exporter, outputs] of old) {
    if (present.has(exporter)) continue;
    count.removed += 1;
    lines.push(`removed ${exporter}: ${outputs}`);
  }
  return { lines, ...count };
}

/** What there is for each exporter, and by default, in one spelling. */
function describe({ rules, defaultOutputs }: RuleSet): ReadonlyMap<string, string> {
  const described = new Map(rules.map((rule) => [exporterKey(rule.exporter), describeRule(rule)]));
  if (defaultOutputs.length > 0) described.set(DEFAULT_OUTPUTS, describeOutputs(defaultOutputs));
  return described;
}

/** Its outputs, after whatever else its message says of the rule or of the exporter. */
function describeRule(rule: Rule): string {
  const { exporter, outputs: _, ...rest } = ruleMessage({ ...rule, outputs: [] }, 'text');
  const { endpoint: __, ...ofExporter } = exporter;
  return [...describeFields({ ...ofExporter, ...rest }), describeOutputs(rule.outputs)].join(' ');
}

/** `192.0.2.1:9995; 192.0.2.2 | [2001:db8::1]:9995`: outputs by `;`, the collectors that take turns by `|`. */
function describeOutputs(outputs: readonly Output[]): string {
  if (outputs.length === 0) return 'none, its packets are dropped';
  return outputs.map(describeOutput).sort().join('; ');
}

function describeOutput(output: Output): string {
  const { collectors: _, ...rest } = outputMessage(output, 'text');
  const collectors = output.collectors?.map(describeCollector).sort().join(' | ');
  return [...describeFields(rest), ...(collectors === undefined ? [] : [collectors])].join(' ');
}

function describeCollector(collector: Collector): string {
  const { endpoint: _, ...rest } = collectorMessage(collector, 'text');
  return [collectorKey(collector), ...describeFields(rest)].join(' ');
}

/** Fields of a message that have no form of their own here: `name: value`. */
function describeFields(fields: object): string[] {
  return Object.entries(fields).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
}

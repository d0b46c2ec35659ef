import {
  type Collector,
  collectorKey,
  exporterKey,
  type Output,
  type RuleSet,
} from '../model/rules.ts';

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

/** The outputs of each exporter, and the default ones, in one spelling. */
function describe({ rules, defaultOutputs }: RuleSet): ReadonlyMap<string, string> {
  const described = new Map(
    rules.map(({ exporter, outputs }) => [exporterKey(exporter), describeOutputs(outputs)]),
  );
  if (defaultOutputs.length > 0) described.set(DEFAULT_OUTPUTS, describeOutputs(defaultOutputs));
  return described;
}

/** `192.0.2.1:9995; 192.0.2.2 | [2001:db8::1]:9995`: outputs by `;`, the collectors that take turns by `|`. */
function describeOutputs(outputs: readonly Output[]): string {
  if (outputs.length === 0) return 'none, its packets are dropped';
  return outputs
    .map(({ collectors }) => sorted(collectors).join(' | '))
    .sort()
    .join('; ');
}

function sorted(collectors: readonly Collector[]): string[] {
  return collectors.map(collectorKey).sort();
}

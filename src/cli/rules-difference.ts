import {
  type Collector,
  collectorKey,
  exporterKey,
  type Output,
  type Rule,
  type RuleSet,
} from '../model/rules.ts';
import { collectorMessage } from '../rules/collector-message.ts';
import { ruleMessage } from '../rules/message.ts';
import { outputMessage } from '../rules/output-message.ts';

/** What is different for one exporter, or by default, as text. */
export interface DifferenceEntry {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly exporter: string;
  /** Of what is in one set only: what its packets go to. */
  readonly before: string;
  readonly after: string;
  /** The path of what is new: `rules[3]`. */
  readonly path?: string;
}

/** What one rule set has and another has not. */
export interface RulesDifference {
  readonly entries: readonly DifferenceEntry[];
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
}

const DEFAULT_OUTPUTS = 'default outputs';
const NO_OUTPUTS = 'none, its packets are dropped';
const SIGNS = { added: '+', removed: '-', changed: '~' } as const;

/** Columns are not wider than this for the sake of one long name. */
const MAX_WIDTH = 48;

/**
 * Tells what has to change for one rule set to become another. Order has no meaning: rule sets that differ in
 * it alone are the same.
 */
export function compareRuleSets(from: RuleSet, to: RuleSet): RulesDifference {
  const old = describe(from);
  const present = describe(to);
  const entries: DifferenceEntry[] = [];
  for (const [exporter, { parts, path }] of present) {
    const before = old.get(exporter);
    if (before === undefined) {
      entries.push({ kind: 'added', exporter, before: '', after: joined(parts), path });
    } else if (joined(before.parts) !== joined(parts)) {
      const [gone, come] = withoutCommon(before.parts, parts);
      entries.push({ kind: 'changed', exporter, before: gone, after: come, path });
    }
  }
  for (const [exporter, { parts }] of old) {
    if (present.has(exporter)) continue;
    entries.push({ kind: 'removed', exporter, before: joined(parts), after: '' });
  }
  const count = (wanted: DifferenceEntry['kind']) =>
    entries.filter(({ kind }) => kind === wanted).length;
  return { entries, added: count('added'), removed: count('removed'), changed: count('changed') };
}

/**
 * A line for each exporter, and one with their numbers:
 *
 *     ~ 192.0.2.1  - 198.51.100.2:2001  + 198.51.100.9:2001  (rules.txtpb:14)
 *
 * @param placeOf where in a file a path is, such as `rules.txtpb:14`
 */
export function printDifference(
  { entries, added, removed, changed }: RulesDifference,
  placeOf: (path: string) => string | undefined = () => undefined,
): string {
  if (entries.length === 0) return 'no difference\n';
  const names = entries.map(({ kind, exporter }) => `${SIGNS[kind]} ${exporter}`);
  const changes = entries.filter(({ kind }) => kind === 'changed');
  const nameWidth = widthOf(names);
  const beforeWidth = widthOf(changes.map(({ before }) => signed('-', before)));
  const lines = entries.map(({ kind, before, after, path }, i) => {
    const cells =
      kind === 'changed'
        ? [signed('-', before).padEnd(beforeWidth), signed('+', after)]
        : [before + after];
    const place = path === undefined ? undefined : placeOf(path);
    const placed = place === undefined ? cells : [...cells, `(${place})`];
    const shown = [(names[i] ?? '').padEnd(nameWidth), ...placed].filter((cell) => cell !== '');
    return `${shown.join('  ').trimEnd()}\n`;
  });
  return `${lines.join('')}${added} added, ${removed} removed, ${changed} changed\n`;
}

function widthOf(cells: readonly string[]): number {
  return cells.reduce((width, { length }) => Math.max(width, Math.min(length, MAX_WIDTH)), 0);
}

function signed(sign: string, text: string): string {
  return text === '' ? '' : `${sign} ${text}`;
}

interface Described {
  readonly parts: readonly string[];
  readonly path: string;
}

/** What there is for each exporter, and by default, in one spelling. */
function describe({ rules, defaultOutputs }: RuleSet): ReadonlyMap<string, Described> {
  const described = new Map<string, Described>();
  for (const [i, rule] of rules.entries()) {
    described.set(exporterKey(rule.exporter), { parts: describeRule(rule), path: `rules[${i}]` });
  }
  if (defaultOutputs.length > 0) {
    const parts = describeOutputs(defaultOutputs);
    described.set(DEFAULT_OUTPUTS, { parts, path: 'default_outputs[0]' });
  }
  return described;
}

/** Its outputs, after whatever else its message says of the rule; all of the exporter is in exporterKey(). */
function describeRule(rule: Rule): string[] {
  const { exporter: _, outputs: __, ...rest } = ruleMessage({ ...rule, outputs: [] }, 'text');
  return [...describeFields(rest), ...describeOutputs(rule.outputs)];
}

/** `192.0.2.2 | [2001:db8::1]:9995`: the collectors that take turns by `|`. */
function describeOutputs(outputs: readonly Output[]): string[] {
  return outputs.length === 0 ? [NO_OUTPUTS] : outputs.map(describeOutput).sort();
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

function joined(parts: readonly string[]): string {
  return parts.join('; ');
}

/** What is on one side only, each as often as it is there. */
function withoutCommon(some: readonly string[], others: readonly string[]): [string, string] {
  const come = [...others];
  const gone = some.filter((part) => {
    const at = come.indexOf(part);
    if (at >= 0) come.splice(at, 1);
    return at < 0;
  });
  return [joined(gone), joined(come)];
}

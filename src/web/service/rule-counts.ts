import { Turn } from '../../base/turn.ts';
import type { PresentRules } from '../../control/statistics.ts';
import { exporterKey, type Output, type Rule, targetKeys } from '../../model/rules.ts';
import { type Counters, type LeftOut, NOTHING_LEFT_OUT } from '../../model/statistics.ts';

/** Counting that was begun anew so often, because rules changed meanwhile, is done without a pause. */
const MAX_INTERRUPTIONS = 4;

/** Whom packets go to: a collector or a pipeline. One that is in several outputs of a rule is told once. */
export interface Target {
  readonly collector?: string;
  readonly pipeline?: string;
  /** The name of the output, when it has one: then it is told by itself. */
  readonly output?: string | undefined;
  /** Where its counters are: output and place in it. */
  readonly places: readonly (readonly [output: number, place: number])[];
}

/** Counters of rules, all of one moment. Numbers are packets and bytes in turns. */
export interface RuleCounts {
  /** Those that are told one by one. */
  readonly rules: readonly Rule[];
  /** Of each of these rules. */
  readonly received: readonly number[];
  /** Of each target of each of these rules, in the order of targetsOf(). */
  readonly sent: readonly number[];
  readonly defaultOutputs: readonly Output[];
  /** Of each target of the default outputs. */
  readonly sentByDefault: readonly number[];
  /** What outputs of each of these rules left out, in the order of reasonsOf(); and what the default outputs did. */
  readonly leftOut: readonly number[];
  readonly leftOutByDefault: readonly number[];
  readonly mismatched: Counters;
  /** There are more rules than are told one by one: none of them is. */
  readonly areTooMany: boolean;
  /** Exporters that were asked for and have no rule. */
  readonly unknown: readonly string[];
}

/** Which rules are told one by one: those of some exporters by their keys, or all, when there are not more than `limit`. */
export type RuleChoice =
  | { readonly exporters: ReadonlySet<string>; readonly limit?: never }
  | { readonly limit: number; readonly exporters?: never };

/** Counts in turns with everything else that the process does. */
export async function countRules(
  presentRules: () => PresentRules,
  choice: RuleChoice,
): Promise<RuleCounts> {
  for (let attempt = 1; ; attempt++) {
    const present = presentRules();
    const turn = new Turn();
    const mayPause = attempt < MAX_INTERRUPTIONS;
    const counts = begin(present, choice);
    let isPresent = true;
    for (const rule of counts.rules) {
      if (mayPause && turn.isOver) {
        await turn.next();
        isPresent = present.isPresent();
        if (!isPresent) break;
      }
      add(counts.received, present.counters.input(rule));
      addTargets(counts.sent, rule.outputs, present.counters.outputs(rule));
      addLeftOut(counts.leftOut, rule.outputs, () => present.counters.leftOut(rule));
    }
    if (isPresent) return counts;
  }
}

const targets = new WeakMap<readonly Output[], readonly Target[]>();

export function targetsOf(outputs: readonly Output[]): readonly Target[] {
  const known = targets.get(outputs);
  if (known !== undefined) return known;
  const found = new Map<string, Target & { readonly places: [number, number][] }>();
  outputs.forEach((output, i) => {
    targetKeys(output).forEach((target, place) => {
      const key = `${output.name ?? ''} ${target}`;
      const before = found.get(key);
      if (before !== undefined) before.places.push([i, place]);
      else {
        const name =
          output.pipeline === undefined ? { collector: target } : { pipeline: output.pipeline };
        found.set(key, { ...name, output: output.name, places: [[i, place]] });
      }
    });
  });
  const list = [...found.values()];
  targets.set(outputs, list);
  return list;
}

/** Why an output leaves out packets: each is counted by itself. */
export interface LeavingReason {
  /** Its name; without one, `#` and its place among the outputs of the rule, from 0 on. */
  readonly output: string;
  readonly reason: 'filter' | 'sampling';
}

const reasons = new WeakMap<readonly Output[], readonly LeavingReason[]>();

export function reasonsOf(outputs: readonly Output[]): readonly LeavingReason[] {
  let found = reasons.get(outputs);
  if (found === undefined) {
    found = outputs.flatMap(({ name, filter, sampleOneIn }, i): LeavingReason[] => {
      const output = name ?? `#${i}`;
      return [
        ...(filter === undefined ? [] : [{ output, reason: 'filter' } as const]),
        ...(sampleOneIn === undefined ? [] : [{ output, reason: 'sampling' } as const]),
      ];
    });
    reasons.set(outputs, found);
  }
  return found;
}

interface GrowingCounts extends RuleCounts {
  readonly received: number[];
  readonly sent: number[];
  readonly leftOut: number[];
}

function begin(present: PresentRules, choice: RuleChoice): GrowingCounts {
  const { ruleSet, counters } = present;
  const chosen = choose(present, choice);
  const sentByDefault: number[] = [];
  addTargets(sentByDefault, ruleSet.defaultOutputs, counters.defaultOutputs());
  const leftOutByDefault: number[] = [];
  addLeftOut(leftOutByDefault, ruleSet.defaultOutputs, () => counters.leftOutByDefault());
  return {
    ...chosen,
    received: [],
    sent: [],
    leftOut: [],
    leftOutByDefault,
    defaultOutputs: ruleSet.defaultOutputs,
    sentByDefault,
    mismatched: counters.mismatched(),
  };
}

function choose({ ruleSet, byExporter }: PresentRules, { exporters, limit = 0 }: RuleChoice) {
  if (exporters === undefined) {
    const areTooMany = ruleSet.rules.length > limit;
    return { rules: areTooMany ? [] : ruleSet.rules, unknown: [], areTooMany };
  }
  const rules: Rule[] = [];
  const unknown: string[] = [];
  for (const key of exporters) {
    const rule = byExporter.get(key);
    if (rule === undefined) unknown.push(key);
    else rules.push(rule);
  }
  return { rules, unknown, areTooMany: false };
}

function add(numbers: number[], { packets, bytes }: Counters): void {
  numbers.push(Number(packets), Number(bytes));
}

function addTargets(
  numbers: number[],
  outputs: readonly Output[],
  counters: readonly (readonly Counters[])[],
): void {
  for (const { places } of targetsOf(outputs)) {
    let packets = 0;
    let bytes = 0;
    for (const [output, place] of places) {
      // Absent for what is set aside.
      const counted = counters[output]?.[place];
      packets += Number(counted?.packets ?? 0n);
      bytes += Number(counted?.bytes ?? 0n);
    }
    numbers.push(packets, bytes);
  }
}

/** @param read of each of the outputs; only when one of them leaves out packets */
function addLeftOut(
  numbers: number[],
  outputs: readonly Output[],
  read: () => readonly LeftOut[],
): void {
  if (reasonsOf(outputs).length === 0) return;
  const leftOut = read();
  for (const [i, { filter, sampleOneIn }] of outputs.entries()) {
    const { filtered, sampled } = leftOut[i] ?? NOTHING_LEFT_OUT;
    if (filter !== undefined) add(numbers, filtered);
    if (sampleOneIn !== undefined) add(numbers, sampled);
  }
}

/** The exporter of a rule as pages name it: as `floxy stats` does. */
export function nameOf(rule: Rule): string {
  return exporterKey(rule.exporter);
}

import { Turn } from '../base/turn.ts';
import type { HealthState } from '../model/collector-health.ts';
import {
  type Collector,
  type Exporter,
  exporterKey,
  leavesOut,
  type Output,
  type Revision,
  type Rule,
  type RuleSet,
} from '../model/rules.ts';
import {
  type Counters,
  type LeftOut,
  NOTHING_LEFT_OUT,
  type OutputStatistics,
  type ProxyStatistics,
  type RuleStatistics,
  sumCounters,
} from '../model/statistics.ts';
import { unknownExporters } from '../rules/merge.ts';
import { descriptionOf, wordsOf } from '../rules/words.ts';
import type { RuleSetCounters } from './ports.ts';

/** What checks say of a collector; undefined when it is not watched. */
export type HealthOf = (collector: Collector) => HealthState | undefined;

const ZERO: Counters = { packets: 0n, bytes: 0n };

/** Those of no rules, which nobody has counted by. */
export const NO_COUNTERS: RuleSetCounters = {
  input: () => ZERO,
  outputs: () => [],
  defaultOutputs: () => [],
  leftOut: () => [],
  leftOutByDefault: () => [],
  mismatched: () => ZERO,
};

/** Statistics that were begun anew so often, because rules changed, are collected without a pause. */
const MAX_INTERRUPTIONS = 4;

/** The rules in force at a moment, and their counters. */
export interface RulesInForce extends Omit<StatisticsSource, 'pause'> {
  /** Whether they still are: counters are of use for that long. */
  readonly isPresent: () => boolean;
}

/** The rules in force with what is told of them as a whole. */
export interface PresentRules extends RulesInForce {
  readonly revision: Revision;
  /** Rules and default outputs that do not fit this host. */
  readonly setAside: number;
}

/**
 * Collects something of the rules in force, letting the process do other things in between.
 *
 * @param collect resolves with undefined when its source was out of date before all was collected
 */
export async function collectInTurns<T>(
  inForce: () => RulesInForce,
  collect: (source: StatisticsSource) => Promise<T | undefined>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const { isPresent, ...rules } = inForce();
    const turn = new Turn();
    const pause = () => {
      if (attempt >= MAX_INTERRUPTIONS || !turn.isOver) return true;
      return turn.next().then(isPresent);
    };
    const found = await collect({ ...rules, pause });
    if (found !== undefined) return found;
  }
}

/** What statistics are collected of. */
export interface StatisticsSource {
  readonly ruleSet: RuleSet;
  /** The rules of the set by exporterKey(). */
  readonly byExporter: ReadonlyMap<string, Rule>;
  readonly counters: RuleSetCounters;
  /** Called between two rules: does other things now and then. false = the source is out of date. */
  readonly pause: () => boolean | Promise<boolean>;
}

/**
 * The statistics of the rules asked for (spec S1 to S4).
 *
 * @param exporters none = all rules
 * @returns undefined when the source was out of date before all was collected
 * @throws FloxyError NOT_FOUND for exporters without a rule
 */
export async function collectStatistics(
  source: StatisticsSource,
  exporters: readonly Exporter[],
  health: HealthOf,
): Promise<ProxyStatistics | undefined> {
  const { ruleSet, counters, pause } = source;
  const isAll = exporters.length === 0;
  const asked = isAll ? new Set(ruleSet.rules) : findRules(source.byExporter, exporters);
  const rules: RuleStatistics[] = [];
  for (const rule of asked) {
    const isValid = pause();
    if (isValid !== true && !(await isValid)) return undefined;
    rules.push(ruleStatistics(rule, counters, health));
  }
  const defaultOutputs = isAll ? defaultStatistics(ruleSet, counters, health) : [];
  let mismatched = counters.mismatched();
  for (const rule of isAll ? [] : ruleSet.rules) {
    if (asked.has(rule)) continue;
    const isValid = pause();
    if (isValid !== true && !(await isValid)) return undefined;
    mismatched = sumCounters([mismatched, counters.input(rule)]);
  }
  return { rules, defaultOutputs, mismatched };
}

/**
 * The statistics of some rules, as many as can be collected at once. Of rules that are not in force any more those
 * that have taken their place are told; the others are left out.
 */
export function presentStatistics(
  { ruleSet, byExporter, counters }: RulesInForce,
  rules: readonly Rule[],
  health: HealthOf,
): ProxyStatistics {
  const present = rules.flatMap((rule) => byExporter.get(exporterKey(rule.exporter)) ?? []);
  return {
    rules: present.map((rule) => ruleStatistics(rule, counters, health)),
    defaultOutputs: defaultStatistics(ruleSet, counters, health),
    mismatched: counters.mismatched(),
  };
}

/** An exporter named twice counts once. */
function findRules(
  byExporter: ReadonlyMap<string, Rule>,
  exporters: readonly Exporter[],
): ReadonlySet<Rule> {
  const found = new Set<Rule>();
  const unknown: string[] = [];
  for (const exporter of exporters) {
    const name = exporterKey(exporter);
    const rule = byExporter.get(name);
    if (rule === undefined) unknown.push(name);
    else found.add(rule);
  }
  if (unknown.length > 0) throw unknownExporters(unknown);
  return found;
}

function ruleStatistics(rule: Rule, counters: RuleSetCounters, health: HealthOf): RuleStatistics {
  const { exporter, outputs } = rule;
  const leftOut = outputs.some(leavesOut) ? counters.leftOut(rule) : [];
  return {
    exporter,
    ...descriptionOf(rule),
    input: counters.input(rule),
    outputs: outputStatistics(outputs, { sent: counters.outputs(rule), leftOut, health }),
  };
}

function defaultStatistics(
  { defaultOutputs }: RuleSet,
  counters: RuleSetCounters,
  health: HealthOf,
) {
  const leftOut = defaultOutputs.some(leavesOut) ? counters.leftOutByDefault() : [];
  return outputStatistics(defaultOutputs, { sent: counters.defaultOutputs(), leftOut, health });
}

/** What is known of outputs, by their index. */
interface OutputFigures {
  readonly sent: readonly (readonly Counters[])[];
  readonly leftOut: readonly LeftOut[];
  readonly health: HealthOf;
}

function outputStatistics(
  outputs: readonly Output[],
  { sent: counters, leftOut, health }: OutputFigures,
): OutputStatistics[] {
  return outputs.map((output, i) => {
    const { collectors, pipeline, sampleOneIn, filter } = output;
    const sent = (target: number) => counters[i]?.[target] ?? ZERO;
    const { sampled, filtered } = leftOut[i] ?? NOTHING_LEFT_OUT;
    const rest = {
      ...(sampleOneIn !== undefined && { sampledOut: sampled }),
      ...(filter !== undefined && { filteredOut: filtered }),
      ...wordsOf(output),
    };
    if (collectors === undefined) return { pipeline: { name: pipeline, output: sent(0) }, ...rest };
    const targets = collectors.map((collector, k) => {
      const state = health(collector);
      return { collector, output: sent(k), ...(state !== undefined && { health: state }) };
    });
    return { collectors: targets, ...rest };
  });
}

export function indexByExporter({ rules }: RuleSet): ReadonlyMap<string, Rule> {
  return new Map(rules.map((rule) => [exporterKey(rule.exporter), rule]));
}

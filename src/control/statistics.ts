import {
  type Exporter,
  exporterKey,
  type Output,
  type Rule,
  type RuleSet,
} from '../model/rules.ts';
import type {
  Counters,
  OutputStatistics,
  ProxyStatistics,
  RuleStatistics,
} from '../model/statistics.ts';
import { unknownExporters } from '../rules/merge.ts';
import type { RuleSetCounters } from './ports.ts';

const ZERO: Counters = { packets: 0n, bytes: 0n };

/** Those of no rules, which nobody has counted by. */
export const NO_COUNTERS: RuleSetCounters = {
  input: () => ZERO,
  outputs: () => [],
  defaultOutputs: () => [],
  mismatched: () => ZERO,
};

/**
 * The statistics of the rules asked for (spec S1 to S4).
 *
 * @param byExporter the rules of the set by exporterKey()
 * @param exporters none = all rules
 * @throws FloxyError NOT_FOUND for exporters without a rule
 */
export function collectStatistics(
  ruleSet: RuleSet,
  byExporter: ReadonlyMap<string, Rule>,
  exporters: readonly Exporter[],
  counters: RuleSetCounters,
): ProxyStatistics {
  if (exporters.length === 0) {
    return {
      rules: ruleSet.rules.map((rule) => ruleStatistics(rule, counters)),
      defaultOutputs: outputStatistics(ruleSet.defaultOutputs, counters.defaultOutputs()),
      mismatched: counters.mismatched(),
    };
  }
  const asked = findRules(byExporter, exporters);
  return {
    rules: [...asked].map((rule) => ruleStatistics(rule, counters)),
    defaultOutputs: [],
    mismatched: sum([
      counters.mismatched(),
      ...ruleSet.rules.filter((rule) => !asked.has(rule)).map((rule) => counters.input(rule)),
    ]),
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

function ruleStatistics(rule: Rule, counters: RuleSetCounters): RuleStatistics {
  return {
    exporter: rule.exporter,
    input: counters.input(rule),
    outputs: outputStatistics(rule.outputs, counters.outputs(rule)),
  };
}

function outputStatistics(
  outputs: readonly Output[],
  counters: readonly (readonly Counters[])[],
): OutputStatistics[] {
  return outputs.map(({ collectors }, i) => ({
    collectors: collectors.map((collector, k) => ({
      collector,
      output: counters[i]?.[k] ?? ZERO,
    })),
  }));
}

function sum(all: readonly Counters[]): Counters {
  return all.reduce(
    (total, { packets, bytes }) => ({
      packets: total.packets + packets,
      bytes: total.bytes + bytes,
    }),
    ZERO,
  );
}

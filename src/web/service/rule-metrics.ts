import type { Output } from '../../model/rules.ts';
import type { Metric, MetricSample } from '../metric.ts';
import {
  type LeavingReason,
  nameOf,
  type RuleCounts,
  reasonsOf,
  targetsOf,
} from './rule-counts.ts';

/** The label `exporter` of what goes to the default outputs; no exporter is called so. */
export const DEFAULT_OUTPUTS = 'default';

/** The label `exporter` of all rules together, where there are too many to tell each. */
export const ALL_RULES = 'all rules';

/** What a page tells of rules. */
export interface ToldRules {
  readonly counts: RuleCounts;
  /** What came for all rules together: packets and bytes. Absent where each is told. */
  readonly matched?: readonly [packets: number, bytes: number] | undefined;
  /** Only the rules that were asked for. */
  readonly isPart: boolean;
}

const ASKED =
  'of each rule, or of all together when there are more than COLLECTOR_METRICS_MAX_RULES';

export const RULE_METRICS: readonly Metric<ToldRules>[] = [
  received('packets', 'packets received from the exporter of a rule', 0),
  received('bytes', 'payload bytes received from the exporter of a rule', 1),
  sent(
    'packets',
    'copies sent by a rule to a collector, or packets given to a pipeline; outputs that have a name are told apart by it',
    0,
  ),
  sent('bytes', 'payload bytes of these copies', 1),
  leftOut('packets', 'packets that an output of a rule did not take', 0),
  leftOut('bytes', 'payload bytes of these packets', 1),
  mismatched('packets', 'packets that no rule matched', 0),
  mismatched('bytes', 'payload bytes of the packets that no rule matched', 1),
  {
    name: 'floxy_rules_aggregated',
    help: 'whether there are too many rules to tell each: 1 = they are one series, exporter="all rules"',
    type: 'gauge',
    labels: [],
    read: ({ matched, isPart }) => (isPart ? [] : [{ value: matched === undefined ? 0 : 1 }]),
  },
  {
    name: 'floxy_rules_not_found',
    help: 'exporters that were asked for by ?rule= and have no rule',
    type: 'gauge',
    labels: [],
    read: ({ counts, isPart }) => (isPart ? [{ value: counts.unknown.length }] : []),
  },
];

function received(unit: string, help: string, word: 0 | 1): Metric<ToldRules> {
  return {
    name: `floxy_exporter_received_${unit}_total`,
    help: `${help}: ${ASKED}`,
    type: 'counter',
    labels: ['exporter'],
    *read({ counts, matched }) {
      let at = word;
      for (const rule of counts.rules) {
        yield { labels: { exporter: nameOf(rule) }, value: counts.received[at] ?? 0 };
        at += 2;
      }
      if (matched !== undefined) yield { labels: { exporter: ALL_RULES }, value: matched[word] };
    },
  };
}

function sent(unit: string, help: string, word: 0 | 1): Metric<ToldRules> {
  return {
    name: `floxy_exporter_sent_${unit}_total`,
    help: `${help}; exporter="default" is what the default outputs send`,
    type: 'counter',
    labels: ['exporter', 'collector', 'pipeline', 'output'],
    *read({ counts, isPart }) {
      let at = word;
      for (const rule of counts.rules) {
        yield* samplesOf(nameOf(rule), rule.outputs, counts.sent, at);
        at += 2 * targetsOf(rule.outputs).length;
      }
      if (isPart) return;
      yield* samplesOf(DEFAULT_OUTPUTS, counts.defaultOutputs, counts.sentByDefault, word);
    },
  };
}

function* samplesOf(
  exporter: string,
  outputs: readonly Output[],
  numbers: readonly number[],
  first: number,
): Generator<MetricSample> {
  let at = first;
  for (const { collector, pipeline, output } of targetsOf(outputs)) {
    const to = collector === undefined ? { pipeline: pipeline ?? '' } : { collector };
    const named = output === undefined ? to : { ...to, output };
    yield { labels: { exporter, ...named }, value: numbers[at] ?? 0 };
    at += 2;
  }
}

function leftOut(unit: string, help: string, word: 0 | 1): Metric<ToldRules> {
  return {
    name: `floxy_exporter_left_out_${unit}_total`,
    help: `${help}, by its filter or its sampling; output is its name, or # and its place from 0 on`,
    type: 'counter',
    labels: ['exporter', 'output', 'reason'],
    *read({ counts, isPart }) {
      let at = word;
      for (const rule of counts.rules) {
        const reasons = reasonsOf(rule.outputs);
        yield* reasonSamples(nameOf(rule), reasons, counts.leftOut, at);
        at += 2 * reasons.length;
      }
      if (isPart) return;
      const reasons = reasonsOf(counts.defaultOutputs);
      yield* reasonSamples(DEFAULT_OUTPUTS, reasons, counts.leftOutByDefault, word);
    },
  };
}

function* reasonSamples(
  exporter: string,
  reasons: readonly LeavingReason[],
  numbers: readonly number[],
  first: number,
): Generator<MetricSample> {
  let at = first;
  for (const { output, reason } of reasons) {
    yield { labels: { exporter, output, reason }, value: numbers[at] ?? 0 };
    at += 2;
  }
}

function mismatched(unit: 'packets' | 'bytes', help: string, word: 0 | 1): Metric<ToldRules> {
  return {
    name: `floxy_mismatched_${unit}_total`,
    help,
    type: 'counter',
    labels: [],
    read: ({
      counts: {
        mismatched: { packets, bytes },
      },
      isPart,
    }) => {
      return isPart ? [] : [{ value: word === 0 ? packets : bytes }];
    },
  };
}

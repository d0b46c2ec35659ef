/** The messages of WatchProxyRules ↔ rule sets and what is different between them. */
import type { Exporter, Output, Rule, RuleSet } from '../model/rules.ts';
import { canonicaliseExporters, canonicaliseRuleSet } from '../rules/canonicalise.ts';
import type { RuleSetDifference } from '../rules/difference.ts';
import type { AddressFormat } from '../rules/endpoint-message.ts';
import { exporterMessage, outputMessage, ruleMessage } from '../rules/message.ts';
import type { RulesPartMessage, RulesRevisionMessage } from './messages.ts';

/** Endpoints in one part: about 64 KiB, a few milliseconds of work for both ends. */
const ENDPOINTS_PER_PART = 2000;

/** A revision and how it is reached. */
export interface Step {
  readonly revision: number;
  readonly digest: string;
  /** The digest of what the difference is to; undefined = to no rules at all. */
  readonly base: string | undefined;
  readonly difference: RuleSetDifference;
}

/** What a part of a step holds. */
export interface StepPart {
  readonly base: string | undefined;
  readonly deleted: readonly Exporter[];
  readonly rules: readonly Rule[];
  readonly defaultOutputs: readonly Output[] | undefined;
  readonly isLast: boolean;
}

/** All of a rule set, as what is different from none. */
export function wholeSet({ rules, defaultOutputs }: RuleSet): RuleSetDifference {
  return { deleted: [], upserts: rules, defaultOutputs };
}

/** RulesRevision messages: at least one. */
export function* fromStep(step: Step, format: AddressFormat): Generator<RulesRevisionMessage> {
  const { base, difference } = step;
  const name = { revision: step.revision.toString(), digest: step.digest };
  const common = base === undefined ? {} : { base };
  for (let at = 0; at < difference.deleted.length; at += ENDPOINTS_PER_PART) {
    const exporters = difference.deleted.slice(at, at + ENDPOINTS_PER_PART);
    const deleted = exporters.map((exporter) => exporterMessage(exporter, format));
    yield { ...name, part: { ...common, deleted } };
  }
  for (const rules of partsOf(difference.upserts)) {
    yield { ...name, part: { ...common, rules: rules.map((rule) => ruleMessage(rule, format)) } };
  }
  const { defaultOutputs } = difference;
  const last: RulesPartMessage = {
    ...common,
    ...(defaultOutputs && {
      defaultOutputs: defaultOutputs.map((output) => outputMessage(output, format)),
      replacesDefaultOutputs: true,
    }),
    last: true,
  };
  yield { ...name, part: last };
}

/** @throws FloxyError INVALID_INPUT */
export function toStepPart(message: RulesPartMessage): StepPart {
  const { rules, defaultOutputs } = canonicaliseRuleSet(message);
  return {
    base: message.base,
    deleted: canonicaliseExporters(message.deleted ?? [], 'deleted'),
    rules,
    defaultOutputs: message.replacesDefaultOutputs ? defaultOutputs : undefined,
    isLast: message.last ?? false,
  };
}

function* partsOf(rules: readonly Rule[]): Generator<readonly Rule[]> {
  let part: Rule[] = [];
  let endpoints = 0;
  for (const rule of rules) {
    part.push(rule);
    endpoints += 1 + rule.outputs.reduce((sum, { collectors }) => sum + collectors.length, 0);
    if (endpoints < ENDPOINTS_PER_PART) continue;
    yield part;
    part = [];
    endpoints = 0;
  }
  if (part.length > 0) yield part;
}

/** The messages of WatchProxyRules ↔ changes of rules. */
import type { Rule, RuleChange, RuleEdit } from '../model/rules.ts';
import { canonicaliseExporters, canonicaliseRuleSet } from '../rules/canonicalise.ts';
import type { AddressFormat } from '../rules/endpoint-message.ts';
import { exporterMessage, ruleMessage } from '../rules/message.ts';
import { outputMessage } from '../rules/output-message.ts';
import type { RulesPartMessage, RulesRevisionMessage } from './messages.ts';

/** Endpoints in one part: about 64 KiB, a few milliseconds of work for both ends. */
const ENDPOINTS_PER_PART = 2000;

/** A revision and how it is reached. */
export interface Step {
  readonly revision: number;
  readonly digest: string;
  /** The digest of what an edit is to; a replacement has none. */
  readonly base?: string | undefined;
  readonly change: RuleChange;
}

/** What a part of a step holds: of a replacement, an edit of no rules at all. */
export interface StepPart {
  readonly base: string | undefined;
  readonly edit: RuleEdit;
  readonly isLast: boolean;
}

/** RulesRevision messages: at least one. */
export function* fromStep(step: Step, format: AddressFormat): Generator<RulesRevisionMessage> {
  const { base } = step;
  const { deleted, upserts, defaultOutputs } = editOf(step.change);
  const name = { revision: step.revision.toString(), digest: step.digest };
  const common = base === undefined ? {} : { base };
  for (let at = 0; at < deleted.length; at += ENDPOINTS_PER_PART) {
    const exporters = deleted.slice(at, at + ENDPOINTS_PER_PART);
    const members = exporters.map((exporter) => exporterMessage(exporter, format));
    yield { ...name, part: { ...common, deleted: members } };
  }
  for (const rules of partsOf(upserts)) {
    yield { ...name, part: { ...common, rules: rules.map((rule) => ruleMessage(rule, format)) } };
  }
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
  const deleted = canonicaliseExporters(message.deleted ?? [], 'deleted');
  const edit = { kind: 'edit', deleted, upserts: rules } as const;
  return {
    base: message.base,
    edit: message.replacesDefaultOutputs ? { ...edit, defaultOutputs } : edit,
    isLast: message.last ?? false,
  };
}

function editOf(change: RuleChange): RuleEdit {
  if (change.kind === 'edit') return change;
  const { rules, defaultOutputs } = change.ruleSet;
  return { kind: 'edit', deleted: [], upserts: rules, defaultOutputs };
}

function* partsOf(rules: readonly Rule[]): Generator<readonly Rule[]> {
  let part: Rule[] = [];
  let endpoints = 0;
  for (const rule of rules) {
    part.push(rule);
    endpoints +=
      1 + rule.outputs.reduce((sum, { collectors }) => sum + (collectors?.length ?? 1), 0);
    if (endpoints < ENDPOINTS_PER_PART) continue;
    yield part;
    part = [];
    endpoints = 0;
  }
  if (part.length > 0) yield part;
}

/** The messages of proto/history.proto ↔ values of src/model. */
import { FloxyError } from '../base/errors.ts';
import type { ChangeSize, RevisionQuery, RevisionSummary } from '../model/history.ts';
import { exporterKey, type Rule, type RuleSet } from '../model/rules.ts';
import { canonicaliseExporters } from '../rules/canonicalise.ts';
import type { RulesDifference } from '../rules/comparison.ts';
import type { AddressFormat } from '../rules/endpoint-message.ts';
import { ruleMessage } from '../rules/message.ts';
import { outputMessage } from '../rules/output-message.ts';
import type {
  ChangeSizeMessage,
  ListRevisionsRequestMessage,
  RevisionMessage,
  RulesDifferenceMessage,
} from './history-messages.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** Rules in one part of a stream: a few milliseconds of work for both ends. */
const RULES_PER_PART = 250;

export function fromRevision({
  revision,
  size,
  rules,
  isRestorable,
}: RevisionSummary): RevisionMessage {
  const { number, at, author, from, call, message } = revision;
  return {
    number: number.toString(),
    ...(at !== undefined && { at }),
    ...(author !== undefined && { author }),
    ...(from !== undefined && { from }),
    ...(call !== undefined && { call }),
    ...(message !== undefined && { message }),
    ...(rules !== undefined && { rules: rules.toString() }),
    ...(size !== undefined && { change: fromSize(size) }),
    restorable: isRestorable,
  };
}

export function fromSize(size: ChangeSize): ChangeSizeMessage {
  return {
    added: size.added.toString(),
    removed: size.removed.toString(),
    changed: size.changed.toString(),
    defaultOutputsChanged: size.areDefaultOutputsChanged,
    moved: size.isReordered,
  };
}

/** @throws FloxyError INVALID_INPUT */
export function toRevisionQuery(request: ListRevisionsRequestMessage): RevisionQuery {
  const { limit = DEFAULT_LIMIT, before, exporter } = request;
  if (limit < 1 || limit > MAX_LIMIT) {
    throw new FloxyError('INVALID_INPUT', `limit: ${limit} is not within 1 to ${MAX_LIMIT}`);
  }
  const [wanted] = exporter ? canonicaliseExporters([exporter], 'exporter') : [];
  return {
    limit,
    ...(before !== undefined && { before: toRevisionNumber(before, 'before') }),
    ...(wanted && { exporter: wanted }),
  };
}

/** @throws FloxyError INVALID_INPUT */
export function toRevisionNumber(text: string | undefined, field: string): number {
  const number = Number(text ?? '0');
  if (Number.isSafeInteger(number)) return number;
  throw new FloxyError('INVALID_INPUT', `${field}: ${text} is no number of a revision`);
}

/** What two rule sets differ in, in parts. */
export function* fromDifference(
  { from, to, difference }: Compared,
  format: AddressFormat,
): Generator<RulesDifferenceMessage> {
  const { added, removed, changed, areDefaultOutputsChanged } = difference;
  const touched = new Set([...added, ...removed, ...changed].map(exporterKey));
  const before = rulesOf(from, touched);
  const after = rulesOf(to, touched);
  const message = (rule: Rule | undefined) => rule && ruleMessage(rule, format);
  const keys = [...touched];
  for (let at = 0; at < keys.length; at += RULES_PER_PART) {
    const rules = keys.slice(at, at + RULES_PER_PART).map((key) => {
      const [old, present] = [message(before.get(key)), message(after.get(key))];
      return { ...(old && { before: old }), ...(present && { after: present }) };
    });
    yield { rules };
  }
  if (!areDefaultOutputsChanged) return;
  const outputs = ({ defaultOutputs }: RuleSet) =>
    defaultOutputs.map((output) => outputMessage(output, format));
  yield { defaultOutputs: { before: outputs(from), after: outputs(to) } };
}

/** Two rule sets that have been compared. */
export interface Compared {
  readonly from: RuleSet;
  readonly to: RuleSet;
  readonly difference: RulesDifference;
}

function rulesOf({ rules }: RuleSet, keys: ReadonlySet<string>): Map<string, Rule> {
  if (keys.size === 0) return new Map();
  const named = rules.map((rule) => [exporterKey(rule.exporter), rule] as const);
  return new Map(named.filter(([key]) => keys.has(key)));
}

/** Long lists as streams of parts: of 100,000 rules neither end has more than a few hundred at once. */
import { FloxyError } from '../../base/errors.ts';
import { Turn } from '../../base/turn.ts';
import type { Control } from '../../control/control.ts';
import type { Rule } from '../../model/rules.ts';
import { fromRuleSet, fromStatistics } from '../../protocol/codec.ts';
import type {
  ListRequestMessage,
  RulesPageMessage,
  StatsPageMessage,
} from '../../protocol/view-messages.ts';
import type { StreamHandler } from '../method.ts';
import { RuleFilter } from './filter.ts';

/** Rules in a part; those with many collectors make smaller ones. */
const RULES_PER_PART = 500;
const COLLECTORS_PER_PART = 4000;

type Listed = Pick<Control, 'rules' | 'restoring' | 'statisticsOf'>;

/** The handler of ListRules (spec S22): the rules of one revision, whatever changes meanwhile. */
export function listRules(control: Listed): StreamHandler<ListRequestMessage> {
  return async function* list(
    { filter, limit },
    { addressFormat },
  ): AsyncGenerator<RulesPageMessage> {
    const wanted = new RuleFilter(filter ?? undefined);
    const { revision, ruleSet } = rulesOf(control);
    yield { revision: `${revision}` };
    for await (const rules of partsOf(ruleSet.rules, wanted, limit)) {
      const [page] = fromRuleSet({ rules, defaultOutputs: [] }, addressFormat);
      if (page !== undefined) yield page;
    }
    if (!wanted.isEmpty || limit !== undefined) return;
    const { defaultOutputs } = ruleSet;
    yield* fromRuleSet({ rules: [], defaultOutputs }, addressFormat);
  };
}

/**
 * The handler of ListStats (spec S22). Rules that change meanwhile have the statistics of when their turn comes, those
 * that are deleted meanwhile are left out.
 */
export function listStats(control: Listed): StreamHandler<ListRequestMessage> {
  return async function* list(
    { filter, limit },
    { addressFormat },
  ): AsyncGenerator<StatsPageMessage> {
    const wanted = new RuleFilter(filter ?? undefined);
    const { ruleSet } = rulesOf(control);
    for await (const part of partsOf(ruleSet.rules, wanted, limit)) {
      const { rules } = control.statisticsOf(part);
      const [first] = fromStatistics({ rules, ...NOTHING_ELSE }, addressFormat);
      if (first !== undefined && rules.length > 0) yield first;
    }
    const { defaultOutputs, mismatched } = control.statisticsOf([]);
    const isAll = wanted.isEmpty && limit === undefined;
    const rest = { rules: [], defaultOutputs: isAll ? defaultOutputs : [], mismatched };
    yield* fromStatistics(rest, addressFormat);
  };
}

const NOTHING_ELSE = { defaultOutputs: [], mismatched: { packets: 0n, bytes: 0n } } as const;

/** @throws FloxyError NOT_READY: an answer without the saved rules would be taken for all there are (spec A10) */
function rulesOf(control: Listed) {
  const reason = control.restoring();
  if (reason !== undefined) throw new FloxyError('NOT_READY', reason);
  return control.rules();
}

/** The rules that are wanted, a part at a time; the process does other things in between. */
async function* partsOf(
  rules: readonly Rule[],
  wanted: RuleFilter,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly Rule[]> {
  const turn = new Turn();
  let part: Rule[] = [];
  let collectors = 0;
  let left = limit;
  for (const rule of rules) {
    if (left <= 0) break;
    if (turn.isOver) await turn.next();
    if (!wanted.hasRule(rule)) continue;
    part.push(rule);
    left--;
    for (const output of rule.outputs) collectors += output.collectors?.length ?? 1;
    if (part.length < RULES_PER_PART && collectors < COLLECTORS_PER_PART) continue;
    yield part;
    part = [];
    collectors = 0;
  }
  if (part.length > 0) yield part;
}

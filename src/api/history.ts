/** The handlers of collector.proto.History that tell revisions and go back to them. */
import { FloxyError } from '../base/errors.ts';
import type { RulesHistory } from '../control/history.ts';
import { fromRuleSet } from '../protocol/codec.ts';
import {
  type Compared,
  fromDifference,
  fromRevision,
  fromSize,
  toRevisionNumber,
  toRevisionQuery,
} from '../protocol/history-codec.ts';
import type {
  GetRevisionRequestMessage,
  ListRevisionsRequestMessage,
  RevisionPartMessage,
  RollbackRulesRequestMessage,
} from '../protocol/history-messages.ts';
import { compareRules } from '../rules/comparison.ts';
import { sizeOf } from '../rules/undo.ts';
import { type ChangeParts, makeChange } from './make-change.ts';
import type { StreamHandler } from './method.ts';
import { type Entries, SMALL } from './services.ts';

/** What the API needs of former revisions. */
export type HistoryControl = Pick<RulesHistory, 'revisions' | 'rulesOf'>;

export interface HistoryParts extends ChangeParts {
  readonly rulesHistory: HistoryControl;
}

export function historyEntries(parts: HistoryParts): Entries {
  const { rulesHistory } = parts;
  return {
    ListRevisions: {
      role: 'viewer',
      limits: SMALL,
      handler: async (request: ListRevisionsRequestMessage) => {
        const { revisions, nextBefore } = await rulesHistory.revisions(toRevisionQuery(request));
        const next = nextBefore === undefined ? {} : { nextBefore: nextBefore.toString() };
        return { parts: [{ revisions: revisions.map(fromRevision), ...next }] };
      },
    },
    RollbackRules: {
      role: 'editor',
      limits: SMALL,
      handler: async ({ revision }: RollbackRulesRequestMessage, context) => {
        const number = toRevisionNumber(revision, 'revision');
        const { ruleSet } = await context.work(() => rulesHistory.rulesOf(number));
        const change = { kind: 'replace', ruleSet } as const;
        const { headers, result } = await makeChange(
          parts,
          { call: 'RollbackRules', change, details: { to: number } },
          context,
        );
        return { parts: [{ size: fromSize(sizeOf(result.difference)) }], headers };
      },
    },
  };
}

/** The handler of GetRevision. */
export function getRevision({
  rulesHistory,
}: Pick<HistoryParts, 'rulesHistory'>): StreamHandler<GetRevisionRequestMessage> {
  return async function* get({ revision, difference, rules = false }, context) {
    const { addressFormat, work } = context;
    const number = toRevisionNumber(revision, 'revision');
    const { former, compared } = await work(async () => {
      const found = await rulesHistory.rulesOf(number);
      return { former: found, compared: await compare(found, difference) };
    });
    const first: RevisionPartMessage = {
      revision: fromRevision(former.target),
      current: former.current.revision.toString(),
      ...(compared && { size: fromSize(sizeOf(compared.difference)) }),
    };
    yield first;
    for (const part of compared ? fromDifference(compared, addressFormat) : []) {
      yield { difference: part };
    }
    for (const part of rules ? fromRuleSet(former.ruleSet, addressFormat) : []) {
      yield { rules: part };
    }
  };
}

async function compare(
  { target, ruleSet, before, current }: Awaited<ReturnType<HistoryControl['rulesOf']>>,
  wanted: string | undefined,
): Promise<Compared | undefined> {
  if (wanted === 'ToGoBack') {
    const from = current.ruleSet;
    return { from, to: ruleSet, difference: await compareRules(from, ruleSet) };
  }
  if (wanted !== 'Made') return undefined;
  if (before === undefined) {
    const message = `what revision ${target.revision.number} changed is not known: the rules before it are not kept`;
    throw new FloxyError('NOT_FOUND', message);
  }
  return { from: before, to: ruleSet, difference: await compareRules(before, ruleSet) };
}

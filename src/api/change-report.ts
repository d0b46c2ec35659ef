import type { NumberedRuleSet, RuleChange } from '../model/rules.ts';

/** Counts by their names in the log. */
export type ChangeReport = Readonly<Record<string, number>>;

/**
 * What a change did to the rules, for the log: how many were added, replaced and deleted, and how many there are now.
 * Numbers that other changes have blurred, just before it or just after, are left out.
 *
 * @param before the rules when the change was asked for
 * @param after the rules now
 * @param revision that the change made
 */
export function reportChange(
  change: RuleChange,
  before: NumberedRuleSet,
  after: NumberedRuleSet,
  revision: number,
): ChangeReport {
  const isBeforeKnown = before.revision === revision - 1;
  const old = before.ruleSet;
  if (change.kind === 'replace') {
    const { rules, defaultOutputs } = change.ruleSet;
    return {
      rules: rules.length,
      defaultOutputs: defaultOutputs.length,
      ...(isBeforeKnown && {
        rulesBefore: old.rules.length,
        defaultOutputsBefore: old.defaultOutputs.length,
      }),
    };
  }
  const { deleted, upserts, defaultOutputs } = change;
  const now = after.revision === revision ? after.ruleSet.rules.length : undefined;
  const added = now === undefined ? 0 : now - old.rules.length + deleted.length;
  return {
    ...(isBeforeKnown && now !== undefined
      ? { added, replaced: upserts.length - added }
      : { addedOrReplaced: upserts.length }),
    deleted: deleted.length,
    ...(now !== undefined && { rules: now }),
    ...(defaultOutputs && { defaultOutputs: defaultOutputs.length }),
  };
}

import { checkHeapRoom, STEP_BYTES } from '../base/heap-room.ts';
import type { RuleChange, RuleSet } from '../model/rules.ts';

/**
 * What checking a rule, giving it slots and writing the table that it is in take of the heap at once, in bytes: for the
 * rule, and for each collector besides. Measured with IPv6 rules whose collectors are all different.
 */
const RULE_BYTES = 600;
const COLLECTOR_BYTES = 250;

/** What any change of a rule set takes for each of its rules: lists and keys. */
const LISTED_BYTES = 250;

/**
 * Before a rule set is made, and anything depends on it: is there memory to put it in force?
 *
 * @param ruleSet that is changed, or put in force when there is no change
 * @throws FloxyError LIMIT_EXCEEDED
 */
export function checkMemory(ruleSet: RuleSet, change?: RuleChange): void {
  const whole = change?.kind === 'replace' ? change.ruleSet : ruleSet;
  const bytes =
    change?.kind === 'edit'
      ? whole.rules.length * LISTED_BYTES + bytesOf({ ...whole, rules: change.upserts })
      : bytesOf(whole);
  checkHeapRoom(bytes + STEP_BYTES);
}

function bytesOf({ rules }: Pick<RuleSet, 'rules'>): number {
  let bytes = rules.length * RULE_BYTES;
  for (const { outputs } of rules) {
    for (const { collectors = [] } of outputs) bytes += collectors.length * COLLECTOR_BYTES;
  }
  return bytes;
}

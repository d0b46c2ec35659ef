import type { Endpoint } from './endpoint.ts';

/** A group of collectors: each packet that reaches it goes to exactly one of them. */
export interface Output {
  readonly collectors: readonly Endpoint[];
}

/** One exporter and the outputs that each get its packets. */
export interface Rule {
  readonly exporter: Endpoint;
  readonly outputs: readonly Output[];
}

/** A whole configuration, in the order in which it was given. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly defaultOutputs: readonly Output[];
}

/** A rule set with its number: it grows by one with each change (spec A9). */
export interface NumberedRuleSet {
  readonly revision: number;
  readonly ruleSet: RuleSet;
}

/** What a leader has in force: the node whose rules another one, its follower, takes over. */
export interface LeaderRevision {
  /** `host:port` of its API, as the follower is told it. */
  readonly leader: string;
  readonly revision: number;
  /** Tells rule sets apart; as the leader sent it. */
  readonly digest: string;
}

/** The revision of the leader that a follower put in force last. */
export interface FollowedRevision extends LeaderRevision {
  /** The follower's own revision then. When it is another by now, the rules were changed locally since. */
  readonly appliedAs: number;
}

export const EMPTY_RULE_SET: RuleSet = { rules: [], defaultOutputs: [] };

/**
 * A change of rules, canonical and validated.
 *
 * - `replace`: everything is replaced.
 * - `update`: rules are added or get new outputs; default outputs, when present, are replaced.
 * - `delete`: the rules of these exporters go.
 */
export type RuleChange =
  | { readonly kind: 'replace'; readonly ruleSet: RuleSet }
  | {
      readonly kind: 'update';
      readonly rules: readonly Rule[];
      readonly defaultOutputs?: readonly Output[];
    }
  | { readonly kind: 'delete'; readonly exporters: readonly Endpoint[] };

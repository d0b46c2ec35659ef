import { type Endpoint, formatEndpoint } from './endpoint.ts';

/** A device that sends flow. */
export interface Exporter {
  /** Where its packets come from; without port, from any. */
  readonly endpoint: Endpoint;
}

/** A program that receives copies of packets. */
export interface Collector {
  /** Where its copies go; without port, to the one on which the proxy received the packet (spec R5). */
  readonly endpoint: Endpoint;
  /** Its share of the packets of its output, against the weights of the others (spec R16): 1 to MAX_WEIGHT. */
  readonly weight: number;
}

/** With it, 64 collectors take turns in a cycle of 64,000 packets at most. */
export const MAX_WEIGHT = 1000;

/** A group of collectors: each packet that reaches it goes to exactly one of them. */
export interface CollectorOutput {
  readonly collectors: readonly Collector[];
  readonly pipeline?: never;
}

/** A pipeline of this node, which decodes the packets that reach it (spec R17). */
export interface PipelineOutput {
  /** A name as PIPELINE_NAME has it. The rules do not know whether there is such a pipeline. */
  readonly pipeline: string;
  readonly collectors?: never;
}

export type Output = CollectorOutput | PipelineOutput;

/** Spec V10. */
export const PIPELINE_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** One exporter and the outputs that each get its packets. */
export interface Rule {
  readonly exporter: Exporter;
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

/** A collector of which nothing but its endpoint is told. */
export function makeCollector(endpoint: Endpoint): Collector {
  return { endpoint, weight: 1 };
}

/** The identity of an exporter, for maps and messages: there is one rule for each (spec V1). */
export function exporterKey({ endpoint }: Exporter): string {
  return formatEndpoint(endpoint);
}

/** The identity of a collector within its output: none is there twice (spec V2). */
export function collectorKey({ endpoint }: Collector): string {
  return formatEndpoint(endpoint);
}

/** Identities of where the packets of an output go, each with a counter of its own: collectors, or one pipeline. */
export function targetKeys({ collectors, pipeline }: Output): string[] {
  // No endpoint has a space.
  return collectors?.map(collectorKey) ?? [`pipeline ${pipeline}`];
}

/** The names of all pipelines that outputs of the rules name. */
export function pipelineNames({ rules, defaultOutputs }: RuleSet): Set<string> {
  const names = new Set<string>();
  const seen = new Set<readonly Output[]>();
  const add = (outputs: readonly Output[]) => {
    if (seen.has(outputs)) return;
    seen.add(outputs);
    for (const { pipeline } of outputs) if (pipeline !== undefined) names.add(pipeline);
  };
  for (const { outputs } of rules) add(outputs);
  add(defaultOutputs);
  return names;
}

/**
 * The number of a revision whose predecessors are not known: beyond all that were used before, because there is less
 * than one change a second. Otherwise a number that a client remembers would come again with other rules.
 */
export function nextEraNumber(): number {
  return Math.floor(Date.now() / 1000);
}

export const EMPTY_RULE_SET: RuleSet = { rules: [], defaultOutputs: [] };

/** Rules go, then others are added or get new outputs. Exporters that it does not name keep their rules. */
export interface RuleEdit {
  readonly kind: 'edit';
  /** Each of them has a rule before. */
  readonly deleted: readonly Exporter[];
  /** Those whose exporter has a rule by then keep its place, the others go to the end, in this order. */
  readonly upserts: readonly Rule[];
  /** All of the new ones; absent = they stay as they are. */
  readonly defaultOutputs?: readonly Output[];
}

/** A change of rules, canonical: everything is replaced, or some rules are. */
export type RuleChange = { readonly kind: 'replace'; readonly ruleSet: RuleSet } | RuleEdit;

/** What a change of rules is remembered with, besides the rules. What comes to accompany changes has its place here. */
export interface Revision {
  /** Grows with each change (spec A9). */
  readonly number: number;
  /** What a follower put in force last of its leader; local changes carry it on. */
  readonly followed?: FollowedRevision;
  /** Who asked for the change: a name as the access to the API knows it, or the leader of a follower. */
  readonly author?: string;
  /** Where the call came from: `address:port` of the client. */
  readonly from?: string;
  /** The call that made the change, such as `ReplaceProxyRules`; `Follow` when it was taken over from a leader. */
  readonly call?: string;
  /** What was said with the change: one line, up to 512 octets of UTF-8 (spec A41). */
  readonly message?: string;
  /** When the change was made: RFC 3339, UTC. */
  readonly at?: string;
}

import type { Octets } from './address.ts';
import { type Endpoint, formatEndpoint, isIpv6 } from './endpoint.ts';
import type { FlowProtocol } from './flow-protocol.ts';

// Fields that a rule leaves out are absent, and so are those that say what their absence says.

/** A device that sends flow, or all devices of a network. */
export interface Exporter {
  /** Where its packets come from; without port, from any. Of a network the first address. */
  readonly endpoint: Endpoint;
  /** Of a network: less than the bits of an address. */
  readonly prefixLength?: number;
  /** The port of the proxy to which its packets come; absent: any. */
  readonly listeningPort?: number;
}

/** How a collector is watched; absent fields: see proto/floxy.proto. */
export interface Health {
  readonly check?: HealthCheck;
  readonly port?: number;
  readonly url?: string;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly rise?: number;
  readonly fall?: number;
}

/** From one check to the next, where a Health does not say it. */
export const DEFAULT_INTERVAL_MS = 5_000;

/** All but ICMP, which is that of a Health without one. */
export type HealthCheck = 'PORT' | 'TCP' | 'HTTP';

/** A program that receives copies of packets. */
export interface Collector {
  /** Where its copies go; without port, to the one on which the proxy received the packet (spec R5). */
  readonly endpoint: Endpoint;
  /** Its share of the packets of its output, against the weights of the others (spec R16): 1 to MAX_WEIGHT. */
  readonly weight: number;
  /** Copies carry an address and a port of the proxy; absent: those of the exporter, or sourceEndpoint. */
  readonly source?: 'PROXY';
  /** A fixed source; without port copies keep the exporter's. */
  readonly sourceEndpoint?: Endpoint;
  readonly hopLimit?: number;
  readonly dscp?: number;
  /** 12 bytes before an IPv4 source address on its way to an IPv6 collector (spec R6). */
  readonly ipv4SourcePrefix?: Octets;
  readonly health?: Health;
  /** It gets packets only while no other collector of its output is up. */
  readonly isStandby?: true;
  readonly description?: string;
}

/** Which packets an output takes: all lists that are there must hold, each by one of its values. */
export interface Filter {
  readonly protocols?: readonly FlowProtocol[];
  /** Of IPFIX, and source ids of NetFlow v9: 32 bits. */
  readonly observationDomains?: readonly number[];
  /** Of sFlow; without port. */
  readonly agents?: readonly Endpoint[];
  readonly listeningPorts?: readonly number[];
}

/** What outputs of both kinds can say. */
interface OutputOptions {
  /** One of so many packets is taken: 2 or more. */
  readonly sampleOneIn?: number;
  readonly filter?: Filter;
  readonly name?: string;
  readonly description?: string;
}

/** With it, 64 collectors take turns in a cycle of 64,000 packets at most. */
export const MAX_WEIGHT = 1000;

/** A group of collectors: each packet that reaches it goes to exactly one of them. */
export interface CollectorOutput extends OutputOptions {
  readonly collectors: readonly Collector[];
  /** How the collector of a packet is chosen; absent: they take turns. */
  readonly balance?: 'BY_EXPORTER' | 'BY_ENDPOINT';
  /** Who gets templates; absent: all where collectors take turns, else the one that gets the packet. */
  readonly templates?: 'ALL' | 'ONE';
  readonly pipeline?: never;
}

/** A pipeline of this node, which decodes the packets that reach it (spec R17). */
export interface PipelineOutput extends OutputOptions {
  /** A name as PIPELINE_NAME has it. The rules do not know whether there is such a pipeline. */
  readonly pipeline: string;
  readonly collectors?: never;
  readonly balance?: never;
  readonly templates?: never;
}

export type Output = CollectorOutput | PipelineOutput;

/** Spec V10. Outputs have such names, too. */
export const PIPELINE_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** One exporter and the outputs that each get its packets. */
export interface Rule {
  readonly exporter: Exporter;
  readonly outputs: readonly Output[];
  /** Who is silent for longer is told, in milliseconds. */
  readonly expectEveryMs?: number;
  readonly description?: string;
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

/**
 * The identity of an exporter, for maps and messages: there is one rule for each (spec V1). `192.0.2.1:2055`,
 * `10.20.0.0/16`, `[2001:db8::/32]:2055`; `@9995` behind it is a listening port.
 */
export function exporterKey({ endpoint, prefixLength, listeningPort }: Exporter): string {
  const network = prefixLength === undefined ? endpoint : networkOf(endpoint, prefixLength);
  const key = formatEndpoint(network);
  return listeningPort === undefined ? key : `${key}@${listeningPort}`;
}

function networkOf(endpoint: Endpoint, prefixLength: number): Endpoint {
  return { ...endpoint, host: `${endpoint.host}/${prefixLength}` };
}

/** Whether copies carry the source of their packet, which IPv6 has no room for in IPv4 (spec R3, R25). */
export function keepsSource({ source, sourceEndpoint }: Collector): boolean {
  return source === undefined && sourceEndpoint === undefined;
}

/** Whether an IPv6 packet can go to a collector (spec R3). */
export function takesIpv6(collector: Collector): boolean {
  return isIpv6(collector.endpoint) || !keepsSource(collector);
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

/** Whether an output does not take all packets that reach it (spec R21, R22). */
export function leavesOut({ sampleOneIn, filter }: Output): boolean {
  return sampleOneIn !== undefined || filter !== undefined;
}

/** Equal filters have equal keys. */
export function filterKey({
  protocols,
  observationDomains,
  agents,
  listeningPorts,
}: Filter): string {
  const hosts = agents?.map(({ host }) => host);
  return [protocols, observationDomains, hosts, listeningPorts]
    .map((values) => values?.join() ?? '')
    .join(' ');
}

/** The names of all pipelines that outputs of the rules name. */
export function pipelineNames(ruleSet: RuleSet): Set<string> {
  const names = new Set<string>();
  for (const { pipeline } of differentOutputs(ruleSet)) {
    if (pipeline !== undefined) names.add(pipeline);
  }
  return names;
}

/** By filterKey(), of all outputs. */
export function filterKeys(ruleSet: RuleSet): Set<string> {
  const keys = new Set<string>();
  for (const { filter } of differentOutputs(ruleSet)) {
    if (filter !== undefined) keys.add(filterKey(filter));
  }
  return keys;
}

/** Outputs of all rules, then default outputs: those that are one object, because rules have the same, once. */
export function* differentOutputs({ rules, defaultOutputs }: RuleSet): Iterable<Output> {
  const seen = new Set<readonly Output[]>();
  for (const { outputs } of rules) {
    if (seen.has(outputs)) continue;
    seen.add(outputs);
    yield* outputs;
  }
  if (!seen.has(defaultOutputs)) yield* defaultOutputs;
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

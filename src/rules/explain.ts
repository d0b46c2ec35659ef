/** Which rule fires for packets of an exporter, and why no other does (spec R1, R18, R19, V8, A60). Pure. */
import { type Endpoint, isIpv6 } from '../model/endpoint.ts';
import { isInNetwork } from '../model/prefix.ts';
import { type Exporter, exporterKey, type Rule } from '../model/rules.ts';
import { exporterRank, takes } from './rule-finder.ts';

/** What is asked: whose packets, and to which port of the proxy they come. */
export interface ExporterQuestion {
  /** Port 0: it is not said. */
  readonly source: Endpoint;
  /** undefined: the proxy is off. */
  readonly listeningPort: number | undefined;
}

/** A rule whose exporter holds the address, and what becomes of it, for people. */
export interface ConsideredRule {
  readonly rule: Rule;
  /** Its place in the rule set. */
  readonly index: number;
  readonly why: string;
}

export interface MatchExplanation {
  /** undefined: the packets go to the default outputs. */
  readonly fires: ConsideredRule | undefined;
  /** In the order in which they would fire. */
  readonly others: readonly ConsideredRule[];
}

/** @param setAside rules that are not in force, with the reason */
export function explainMatch(
  rules: readonly Rule[],
  question: ExporterQuestion,
  setAside: ReadonlyMap<Rule, string>,
): MatchExplanation {
  const holding = rules
    .map((rule, index) => ({ rule, index }))
    .filter(({ rule }) => holds(rule.exporter, question.source))
    .toSorted((one, other) => exporterRank(other.rule.exporter) - exporterRank(one.rule.exporter));
  const taking = holding.filter(
    ({ rule }) => !setAside.has(rule) && refusal(rule.exporter, question) === undefined,
  );
  const first = taking[0];
  const others = holding
    .filter((one) => one !== first)
    .map(({ rule, index }) => ({
      rule,
      index,
      why: whyNot(rule, question, first?.rule, setAside),
    }));
  if (first === undefined) return { fires: undefined, others };
  return { fires: { ...first, why: whyIt(first.rule.exporter, taking.length > 1) }, others };
}

/** Whether the address is that of the rule, or in its network: whatever the ports. */
function holds({ endpoint, prefixLength }: Exporter, { octets }: Endpoint): boolean {
  return isInNetwork(octets, endpoint.octets, prefixLength ?? octets.length * 8);
}

/** Why it does not take the packets, whatever other rules there are. */
function refusal(exporter: Exporter, { source, listeningPort }: ExporterQuestion) {
  const { port } = exporter.endpoint;
  if (!takes(exporter, source.port, exporter.listeningPort)) {
    return `it is of source port ${port} alone`;
  }
  if (exporter.listeningPort === undefined || exporter.listeningPort === listeningPort)
    return undefined;
  return `it is of packets to port ${exporter.listeningPort} of the proxy alone`;
}

function whyNot(
  rule: Rule,
  question: ExporterQuestion,
  first: Rule | undefined,
  setAside: ReadonlyMap<Rule, string>,
): string {
  const reason = setAside.get(rule);
  if (reason !== undefined) return `it is set aside: ${reason}`;
  const refused = refusal(rule.exporter, question);
  if (refused !== undefined) return refused;
  if (first === undefined) return '';
  const { exporter } = first;
  const than = exporterKey(exporter);
  if (rule.exporter.prefixLength !== exporter.prefixLength) {
    return exporter.prefixLength === undefined
      ? `the address ${exporter.endpoint.host} beats a prefix`
      : `${than} is a longer prefix`;
  }
  return rule.exporter.endpoint.port === exporter.endpoint.port
    ? `${than} names the listening port`
    : `${than} names the source port`;
}

function whyIt({ endpoint, prefixLength, listeningPort }: Exporter, hasOthers: boolean): string {
  const parts = [
    prefixLength === undefined ? 'its address' : prefixText(endpoint, prefixLength, hasOthers),
    ...(endpoint.port === 0 ? [] : ['its source port']),
    ...(listeningPort === undefined ? [] : ['the listening port']),
  ];
  return `by ${parts.join(' and ')}`;
}

function prefixText(endpoint: Endpoint, prefixLength: number, hasOthers: boolean): string {
  if (prefixLength === 0)
    return `the prefix of all ${isIpv6(endpoint) ? 'IPv6' : 'IPv4'} addresses`;
  return hasOthers ? 'the longest prefix of its address' : 'a prefix of its address';
}

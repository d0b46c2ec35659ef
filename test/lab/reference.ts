/**
 * The rules R1 to R5 of forwarding, written as plainly as possible: what judges the proxy. It searches lists
 * where the proxy has tables, and shares no code with it.
 */
import { canonicalText, type EndpointText, keyOf } from './wire.ts';

export interface RuleText {
  readonly exporter: EndpointText;
  /** The collectors of each output. */
  readonly outputs: readonly (readonly EndpointText[])[];
}

/** A rule set as a test writes it. */
export interface RuleSetText {
  readonly rules: readonly RuleText[];
  readonly defaultOutputs?: readonly (readonly EndpointText[])[];
}

export interface Decision {
  /** The rule that fires; undefined: none, the packet is mismatched. */
  readonly rule: RuleText | undefined;
  /** For each output that can take the packet: who may get it, as `host:port` with the port on the wire. */
  readonly groups: readonly (readonly string[])[];
  /** Outputs in which nobody can take it. */
  readonly withoutEligibleCollector: number;
}

/** What has to happen to a packet from this source, received on this port. */
export function decide(ruleSet: RuleSetText, source: EndpointText, receivedOn: number): Decision {
  const rule = findRule(ruleSet.rules, source);
  const outputs = rule === undefined ? (ruleSet.defaultOutputs ?? []) : rule.outputs;
  const isIpv6 = canonicalText(source.host).includes(':');
  const groups = outputs.map(
    (collectors) =>
      collectors
        .filter(({ host }) => !isIpv6 || canonicalText(host).includes(':')) // R3
        .map(({ host, port }) => keyOf(host, port || receivedOn)), // R5
  );
  const usable = groups.filter((group) => group.length > 0);
  return { rule, groups: usable, withoutEligibleCollector: groups.length - usable.length };
}

/** R1: address and port beat the address alone. */
function findRule(rules: readonly RuleText[], source: EndpointText): RuleText | undefined {
  const sameAddress = rules.filter(
    ({ exporter }) => canonicalText(exporter.host) === canonicalText(source.host),
  );
  const exact = sameAddress.find(({ exporter }) => exporter.port === source.port);
  return exact ?? sameAddress.find(({ exporter }) => !exporter.port);
}

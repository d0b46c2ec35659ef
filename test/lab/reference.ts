/**
 * The rules R1 to R5, R16, R18 to R23 and H3 of forwarding, written as plainly as possible: what judges the proxy. It
 * searches lists where the proxy has tables, and shares no code with it.
 */
import { type FilterText, isWanted } from './filter.ts';
import { type LeavingText, takesIpv6 } from './leaving.ts';
import { homeOf } from './rendezvous.ts';
import { bitsOf, canonicalText, type EndpointText, keyOf } from './wire.ts';

export interface CollectorText extends EndpointText, LeavingText {
  /** Absent: 1. */
  readonly weight?: number;
  /** As the API has it. */
  readonly health?: object;
  readonly standby?: boolean;
}

/** With the names of the API. */
export interface OutputText {
  readonly collectors: readonly CollectorText[];
  readonly balance?: 'BY_EXPORTER' | 'BY_ENDPOINT';
  readonly templates?: 'ALL' | 'ONE';
  readonly sample_one_in?: number;
  readonly filter?: FilterText;
}

/** An output, or only its collectors. */
export type OutputsText = readonly (OutputText | readonly CollectorText[])[];

export interface ExporterText extends EndpointText {
  readonly prefixLength?: number;
  readonly listeningPort?: number;
}

export interface RuleText {
  readonly exporter: ExporterText;
  readonly outputs: OutputsText;
}

/** A rule set as a test writes it. */
export interface RuleSetText {
  readonly rules: readonly RuleText[];
  readonly defaultOutputs?: OutputsText;
  /** What checks say at present of collectors that have `health`: those that are down. No part of the rules. */
  readonly down?: readonly EndpointText[];
}

/** @returns it with all that it leaves out */
export function outputText(output: OutputsText[number]): OutputText {
  return 'collectors' in output ? output : { collectors: output };
}

export interface Decision {
  /** The rule that fires; undefined: none, the packet is mismatched. */
  readonly rule: RuleText | undefined;
  /** For each output that can take the packet: who may get it, as `host:port` with the port on the wire. */
  readonly groups: readonly (readonly string[])[];
  /** For each of these outputs: who has to know the templates in it, whoever gets it. */
  readonly informed: readonly (readonly string[])[];
  /** What part of the packets that come to a group each member of it gets (R16). */
  readonly shares: readonly (readonly number[])[];
  /** Whether a packet with this payload is one for the output (R22). */
  readonly isWanted: readonly ((payload: Buffer) => boolean)[];
  /** Of how many packets that are wanted the output takes one (R21). */
  readonly oneIn: readonly number[];
  /** Outputs in which nobody can take it. */
  readonly withoutEligibleCollector: number;
}

/** What has to happen to a packet from this source, received on this port. */
export function decide(ruleSet: RuleSetText, source: EndpointText, receivedOn: number): Decision {
  const rule = findRule(ruleSet.rules, source, receivedOn);
  const outputs = rule === undefined ? (ruleSet.defaultOutputs ?? []) : rule.outputs;
  const isIpv6 = canonicalText(source.host).includes(':');
  const usable = outputs
    .map(outputText)
    .map(({ balance, templates = balance ? 'ONE' : 'ALL', ...output }) => {
      const { collectors, filter, sample_one_in: oneIn = 1 } = output;
      const possible = collectors.filter((collector) => !isIpv6 || takesIpv6(collector)); // R3
      const able = serving(possible, ruleSet.down ?? []);
      const home = balance && homeOf(source, able, balance); // R20
      const informed = templates === 'ALL' ? able : []; // R23
      const wanted = (payload: Buffer) =>
        filter === undefined || isWanted(filter, payload, receivedOn);
      return { group: home === undefined ? able : [home], informed, isWanted: wanted, oneIn };
    })
    .filter(({ group }) => group.length > 0);
  const keys = (collectors: readonly CollectorText[]) =>
    collectors.map(({ host, port }) => keyOf(host, port || receivedOn)); // R5
  return {
    rule,
    groups: usable.map(({ group }) => keys(group)),
    informed: usable.map(({ informed }) => keys(informed)),
    shares: usable.map(({ group }) => sharesOf(group)),
    isWanted: usable.map((output) => output.isWanted),
    oneIn: usable.map(({ oneIn }) => oneIn),
    withoutEligibleCollector: outputs.length - usable.length,
  };
}

/** H3 */
function serving(
  collectors: readonly CollectorText[],
  down: readonly EndpointText[],
): readonly CollectorText[] {
  const isDown = (one: CollectorText) =>
    one.health !== undefined &&
    down.some(({ host, port }) => host === one.host && port === one.port);
  const up = collectors.filter((one) => !isDown(one));
  const choices = [
    up.filter(({ standby }) => !standby),
    up,
    collectors.filter(({ standby }) => !standby),
    collectors,
  ];
  return choices.find((choice) => choice.length > 0) ?? [];
}

/** R16 */
function sharesOf(collectors: readonly CollectorText[]): number[] {
  const sum = collectors.reduce((all, { weight = 1 }) => all + weight, 0);
  return collectors.map(({ weight = 1 }) => weight / sum);
}

/** R1, R18, R19: the longest prefix beats the port, and the port the listening port. */
function findRule(
  rules: readonly RuleText[],
  source: EndpointText,
  receivedOn: number,
): RuleText | undefined {
  const bits = bitsOf(source.host);
  const claims = rules.filter(({ exporter: { host, port, prefixLength, listeningPort } }) => {
    const network = bitsOf(host);
    return (
      network.length === bits.length &&
      network.slice(0, prefixLength) === bits.slice(0, prefixLength) &&
      (!port || port === source.port) &&
      (!listeningPort || listeningPort === receivedOn)
    );
  });
  const strength = ({ exporter: { port, prefixLength = bits.length, listeningPort } }: RuleText) =>
    prefixLength * 100 + (port ? 10 : 0) + (listeningPort ? 1 : 0);
  return claims.toSorted((one, other) => strength(other) - strength(one))[0];
}

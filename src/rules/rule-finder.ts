/** Finds rules of packets as the data plane does, and says what else was there (spec R1, R18, R19). Pure. */
import type { Octets } from '../model/address.ts';
import { type Endpoint, formatEndpoint, isIpv6 } from '../model/endpoint.ts';
import { networkAddress } from '../model/prefix.ts';
import type { Exporter, Rule, RuleSet } from '../model/rules.ts';

/** Of the longest address, so that a rule of any prefix comes behind one of an address. */
const ADDRESS_BITS = 128;

/** One index for the rules of each set: it costs as much as there are rules of prefixes and listening ports. */
const finders = new WeakMap<RuleSet, RuleFinder>();

/** @param byExporter the rules of the set by exporterKey() */
export function ruleFinder(ruleSet: RuleSet, byExporter: ReadonlyMap<string, Rule>): RuleFinder {
  const known = finders.get(ruleSet);
  if (known !== undefined) return known;
  const finder = new RuleFinder(ruleSet, byExporter);
  finders.set(ruleSet, finder);
  return finder;
}

export class RuleFinder {
  readonly #byExporter: ReadonlyMap<string, Rule>;
  /** Rules that byExporter does not find by an endpoint: by network, of each length of each family, longest first. */
  readonly #ipv4: readonly Level[];
  readonly #ipv6: readonly Level[];

  constructor({ rules }: RuleSet, byExporter: ReadonlyMap<string, Rule>) {
    this.#byExporter = byExporter;
    const others = rules.filter(
      ({ exporter }) => exporter.prefixLength !== undefined || exporter.listeningPort !== undefined,
    );
    this.#ipv4 = levelsOf(others.filter(({ exporter }) => !isIpv6(exporter.endpoint)));
    this.#ipv6 = levelsOf(others.filter(({ exporter }) => isIpv6(exporter.endpoint)));
  }

  /**
   * All rules whose exporter can have sent a packet, the one that fires first.
   *
   * @param source port 0 is a source port too
   * @param listeningPort to which it came; absent: it is not known, and a rule may name any
   */
  find(source: Endpoint, listeningPort?: number): readonly Rule[] {
    const found: Rule[] = [];
    const add = (rule: Rule | undefined) => {
      if (rule !== undefined) found.push(rule);
    };
    // Port 0 is none in rules: no rule names it.
    if (source.port !== 0) add(this.#byExporter.get(formatEndpoint(source)));
    add(this.#byExporter.get(source.host));
    for (const level of isIpv6(source) ? this.#ipv6 : this.#ipv4) {
      for (const rule of level.networks.get(keyOf(source.octets, level.bits)) ?? []) {
        if (takes(rule.exporter, source.port, listeningPort)) add(rule);
      }
    }
    if (found.length < 2) return found;
    return found.toSorted(
      (one, other) => exporterRank(other.exporter) - exporterRank(one.exporter),
    );
  }
}

/** Rules of one length, by their network. */
interface Level {
  readonly bits: number;
  readonly networks: Map<string, Rule[]>;
}

function levelsOf(rules: readonly Rule[]): readonly Level[] {
  const levels = new Map<number, Level>();
  for (const rule of rules) {
    const { octets } = rule.exporter.endpoint;
    const bits = rule.exporter.prefixLength ?? octets.length * 8;
    const level = levels.get(bits) ?? { bits, networks: new Map<string, Rule[]>() };
    levels.set(bits, level);
    const key = keyOf(octets, bits);
    const there = level.networks.get(key);
    if (there === undefined) level.networks.set(key, [rule]);
    else there.push(rule);
  }
  return [...levels.values()].toSorted((one, other) => other.bits - one.bits);
}

function keyOf(octets: Octets, bits: number): string {
  return Buffer.from(networkAddress(octets, bits)).toString('latin1');
}

/**
 * Whether packets from a source port are those of a rule whose exporter holds their address.
 *
 * @param listening the port of the proxy to which they come; absent: it is not known
 */
export function takes(
  { endpoint, listeningPort }: Exporter,
  port: number,
  listening?: number,
): boolean {
  const hasPort = endpoint.port === 0 || endpoint.port === port;
  return hasPort && (listening ?? listeningPort) === (listeningPort ?? listening);
}

/** Of rules that take a packet the one whose exporter has the highest rank fires. */
export function exporterRank({
  endpoint,
  prefixLength = ADDRESS_BITS,
  listeningPort,
}: Exporter): number {
  return prefixLength * 4 + (endpoint.port === 0 ? 0 : 2) + (listeningPort === undefined ? 0 : 1);
}

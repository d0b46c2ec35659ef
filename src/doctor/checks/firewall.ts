/** Filters of this host on the way of flow, of the service's test datagrams, and of copies. */
import { formatSocketAddress, type SocketAddress } from '../../config/socket-address.ts';
import { type Octets, parseAddress } from '../../model/address.ts';
import { formatEndpoint } from '../../model/endpoint.ts';
import { findRoutes, readLinks } from '../../native/network.ts';
import { isWildcard } from '../addresses.ts';
import { type Found, fail, listed, ok, skip, warn } from '../finding.ts';
import { readText } from '../host.ts';
import type { Packet } from '../nft/match.ts';
import { type Chain, type Rule, type Ruleset, readRuleset, ruleName } from '../nft/ruleset.ts';
import { walk } from '../nft/walk.ts';
import { collectorsOf, exportersOf } from '../rule-set.ts';
import type { Subject } from '../subject.ts';

/** Each is taken through all chains. */
const MAX_LOOKED_AT = 500;
const INBOUND = ['ingress', 'prerouting', 'input'];
const OUTBOUND = ['output', 'postrouting'];

/** A packet, and what it is called. */
interface Sample {
  readonly name: string;
  readonly packet: Packet;
}

/** Something that drops packets. */
interface Block {
  readonly by: string;
  readonly names: string[];
}

export async function lookAtFirewall(subject: Subject): Promise<Found[]> {
  const ruleset = await readRuleset();
  const legacy = lookAtLegacy();
  if (typeof ruleset === 'string') {
    return [...legacy, skip(`its rules cannot be seen: ${ruleset}`, seenOtherwise(subject))];
  }
  const found = [...legacy, ...lookAtRules(subject, ruleset)];
  if (found.length > 0) return found;
  const count = ruleset.chains.reduce((sum, { rules }) => sum + rules.length, 0);
  return [
    ok(
      count === 0
        ? 'nftables has no rules'
        : `none of ${count} rules of nftables drops flow, test datagrams or copies for sure`,
    ),
  ];
}

/** Tables of the old iptables are not told by nft. */
function lookAtLegacy(): Found[] {
  const names = ['ip', 'ip6'].flatMap(
    (family) => readText(`/proc/net/${family}_tables_names`)?.split('\n') ?? [],
  );
  const tables = [...new Set(names.filter(Boolean))];
  if (tables.length === 0) return [];
  return [
    skip(
      `tables of iptables-legacy (${listed(tables)}) were not looked at`,
      '`iptables-legacy-save -c` shows them with counters',
    ),
  ];
}

function seenOtherwise({ service }: Subject): string {
  const root = 'root sees them (`nft list ruleset`)';
  if (service === undefined) return root;
  return `${root}; the state of the proxy tells whether its test datagrams come back, EPERM among its losses that copies are dropped`;
}

function lookAtRules(subject: Subject, ruleset: Ruleset): Found[] {
  const listeners = subject.settings.config?.listeners ?? [];
  return [
    ...listeners.flatMap((listener) => lookAtListener(listener, listeners, subject, ruleset)),
    ...blocksOf(copySamples(subject), OUTBOUND, ruleset).map(({ by, names }) =>
      fail(
        `copies to ${listed(names)} are dropped by ${by}`,
        adviceFor(by, 'UDP to them, from any source address'),
      ),
    ),
  ];
}

/** What comes to one of the addresses. */
function lookAtListener(
  listener: SocketAddress,
  listeners: readonly SocketAddress[],
  subject: Subject,
  ruleset: Ruleset,
): Found[] {
  const { port } = listener;
  const at = listeners.length === 1 ? '' : ` to ${formatSocketAddress(listener)}`;
  const flow = flowSamples(subject, listener);
  const probes = probeSamples(subject, listener);
  return [
    ...blocksOf(flow, INBOUND, ruleset).map(({ by, names }) =>
      fail(`flow of ${listed(names)}${at} is dropped by ${by}`, adviceFor(by, `udp dport ${port}`)),
    ),
    ...blocksOf(probes, [...OUTBOUND, ...INBOUND], ruleset).map(({ by }) =>
      warn(
        `the service's test datagrams${at} are dropped by ${by}: without flow it takes itself for dead`,
        `${adviceFor(by, 'UDP from this host to its own listening address, and back')}; or COLLECTOR_FLOXY_PROBE_INTERVAL_MS=0`,
      ),
    ),
  ];
}

function adviceFor(by: string, what: string): string {
  const chain = by.replace(/^(rule|policy of) /, '').replace(/ handle .*/, '');
  return `let ${what} pass before: \`nft -a list chain ${chain}\``;
}

/** From exporters of the rules, or from anybody. */
function flowSamples({ rules }: Subject, { octets: listen, port }: SocketAddress): Sample[] {
  const destination = isWildcard(listen) ? undefined : listen;
  const exporters = rules === undefined ? [] : exportersOf(rules.ruleSet).slice(0, MAX_LOOKED_AT);
  const known = exporters.map(({ host, octets }) => ({
    name: host,
    packet: packetOf({ source: octets, destination, port }),
  }));
  if (known.length > 0) return known;
  return [{ name: 'all exporters', packet: { family: 4, source: undefined, destination, port } }];
}

/** As PathProbe sends them. */
function probeSamples({ settings }: Subject, { octets, port }: SocketAddress): Sample[] {
  if (settings.config?.probeIntervalMs === 0) return [];
  const address = isWildcard(octets) ? (parseAddress('127.0.0.1') as Octets) : octets;
  const packet = packetOf({ source: address, destination: address, port });
  return [{ name: 'test datagrams', packet: { ...packet, inLink: 'lo', outLink: 'lo' } }];
}

function copySamples({ rules, settings }: Subject): Sample[] {
  if (rules === undefined) return [];
  const collectors = collectorsOf(rules.ruleSet).slice(0, MAX_LOOKED_AT);
  const routes = findRoutes(collectors.map(({ octets }) => octets));
  const links = new Map(readLinks().map(({ index, name }) => [index, name]));
  return collectors.map((collector, i) => {
    const port = collector.port === 0 ? (settings.config?.listeners[0]?.port ?? 0) : collector.port;
    const packet = packetOf({ source: undefined, destination: collector.octets, port });
    return {
      name: formatEndpoint(collector),
      packet: { ...packet, outLink: links.get(routes[i]?.link ?? 0) },
    };
  });
}

function packetOf(packet: {
  source: Octets | undefined;
  destination: Octets | undefined;
  port: number;
}): Packet {
  const octets = packet.source ?? packet.destination;
  return { family: octets?.length === 16 ? 6 : 4, ...packet };
}

function blocksOf(samples: readonly Sample[], hooks: readonly string[], ruleset: Ruleset): Block[] {
  const chains = hooks.flatMap((hook) => ruleset.at(hook, 'filter'));
  const blocks = new Map<string, Block>();
  for (const { name, packet } of samples) {
    const by = blockOf(packet, chains, ruleset);
    if (by === undefined) continue;
    const block = blocks.get(by);
    if (block === undefined) blocks.set(by, { by, names: [name] });
    else block.names.push(name);
  }
  return [...blocks.values()];
}

/** The first that surely drops it. */
function blockOf(packet: Packet, chains: readonly Chain[], ruleset: Ruleset): string | undefined {
  for (const chain of chains) {
    if (!isOfFamily(chain.family, packet)) continue;
    const { kind, by, mayPass } = walk(chain, packet, ruleset);
    if (kind !== 'drop' || mayPass) continue;
    return by === undefined
      ? `policy of ${chain.family} ${chain.table} ${chain.name}`
      : describe(by);
  }
  return undefined;
}

function isOfFamily(family: string, packet: Packet): boolean {
  if (family === 'inet' || family === 'netdev') return true;
  return family === (packet.family === 4 ? 'ip' : 'ip6');
}

/** With what it has counted. */
function describe(rule: Rule): string {
  const counter = rule.expr.find((expression) => 'counter' in expression)?.['counter'];
  const { packets } = (counter ?? {}) as { packets?: number };
  return `rule ${ruleName(rule)}${packets === undefined ? '' : ` (${packets} packets so far)`}`;
}

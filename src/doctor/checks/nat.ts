/** Who rewrites addresses: exporters must come with their own, and copies must leave with them. */
import { findRoutes, readLinks } from '../../native/network.ts';
import { listenPorts } from '../addresses.ts';
import { type Found, fail, listed, ok, skip, warn } from '../finding.ts';
import { readFolder, readText } from '../host.ts';
import { matches, type Packet } from '../nft/match.ts';
import { type Chain, type Rule, type Ruleset, readRuleset, ruleName } from '../nft/ruleset.ts';
import { collectorsOf, exportersOf } from '../rule-set.ts';
import type { Subject } from '../subject.ts';

/** Exporters and collectors that are tried with each other. */
const MAX_EACH = 32;
const TO_THIS_HOST = ['dnat', 'redirect'];
const FROM_THIS_HOST = ['masquerade', 'snat'];

export async function lookAtNat(subject: Subject): Promise<Found[]> {
  const ports = listenPorts(subject);
  const proxies = dockerProxies(ports);
  const ruleset = await readRuleset();
  if (typeof ruleset === 'string') {
    return proxies.length > 0
      ? proxies
      : [skip(`rules that rewrite addresses cannot be seen: ${ruleset}`, 'root sees them')];
  }
  const rewritten = ports.flatMap((port) => rewrittenFlow(ruleset, port));
  const found = [...proxies, ...rewritten, ...rewrittenCopies(subject, ruleset)];
  return found.length > 0
    ? found
    : [ok('nothing rewrites the addresses of flow or copies for sure')];
}

/** Docker's program for published ports sends all that comes from the address of its bridge. */
function dockerProxies(ports: readonly number[]): Found[] {
  for (const pid of readFolder('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = readText(`/proc/${pid}/cmdline`, 4096)?.split('\0') ?? [];
    if (!words[0]?.endsWith('docker-proxy') || !words.includes('udp')) continue;
    const port = Number(words[words.indexOf('-host-port') + 1]);
    if (!ports.includes(port)) continue;
    return [
      fail(
        `docker-proxy (pid ${pid}) takes UDP port ${port} for a container: all exporters get the address of Docker's bridge`,
        "run the container on the host's network (network_mode: host), as docker-compose.yml does",
      ),
    ];
  }
  return [];
}

function rewrittenFlow(ruleset: Ruleset, port: number): Found[] {
  const packet: Packet = { family: 4, source: undefined, destination: undefined, port };
  return rewriting(
    ruleset.at('prerouting', 'nat'),
    TO_THIS_HOST,
    (rule) => matches(rule, packet, ruleset) !== 'no' && namesPort(rule),
  ).map((rule) =>
    warn(
      `rule ${ruleName(rule)} sends what comes to port ${port} elsewhere: it may not come to the service, or not from the exporters' addresses`,
      "leave flow out of it; a container belongs on the host's network (network_mode: host)",
    ),
  );
}

/** Rules that ask for no port are for other purposes mostly, and tell by what is not known here. */
function namesPort({ expr }: Rule): boolean {
  return JSON.stringify(expr).includes('"dport"');
}

/** Tried with each exporter that has a rule: of others the address is not known. */
function rewrittenCopies(subject: Subject, ruleset: Ruleset): Found[] {
  const { rules } = subject;
  if (rules === undefined) return [];
  const exporters = exportersOf(rules.ruleSet).slice(0, MAX_EACH);
  const collectors = collectorsOf(rules.ruleSet).slice(0, MAX_EACH);
  const routes = findRoutes(collectors.map(({ octets }) => octets));
  const links = new Map(readLinks().map(({ index, name }) => [index, name]));
  const packets = collectors.flatMap((collector, i) =>
    exporters
      .filter(({ octets }) => octets.length === collector.octets.length)
      .map(
        ({ octets }): Packet => ({
          family: octets.length === 4 ? 4 : 6,
          source: octets,
          destination: collector.octets,
          port: collector.port === 0 ? (listenPorts(subject)[0] ?? 0) : collector.port,
          outLink: links.get(routes[i]?.link ?? 0),
        }),
      ),
  );
  const isHit = (rule: Rule) => packets.some((packet) => matches(rule, packet, ruleset) === 'yes');
  const hits = rewriting(ruleset.at('postrouting', 'nat'), FROM_THIS_HOST, isHit);
  if (hits.length === 0) return [];
  return [
    fail(
      `copies get another source address by rule ${listed(hits.map(ruleName))}: collectors take all exporters for this host`,
      'leave copies out of it: `notrack` them, or match the addresses that it is meant for (`ip saddr …`)',
    ),
  ];
}

function rewriting(
  chains: readonly Chain[],
  statements: readonly string[],
  isHit: (rule: Rule) => boolean,
): Rule[] {
  return chains
    .flatMap(({ rules }) => rules)
    .filter(({ expr }) => expr.some((expression) => statements.some((name) => name in expression)))
    .filter(isHit);
}

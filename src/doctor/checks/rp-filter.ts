/** Reverse path filters (net.ipv4.conf.*.rp_filter) drop packets of exporters before anything counts them. */
import type { SocketAddress } from '../../config/config.ts';
import { formatAddress } from '../../model/address.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import { findRoutes, type Link, type Route, readLinks } from '../../native/network.ts';

import { addressesOf, isWildcard } from '../addresses.ts';
import { counted, type Found, fail, listed, ok, warn } from '../finding.ts';
import { readParameter } from '../host.ts';
import { collectorsOf, exportersOf, MAX_ENDPOINTS } from '../rule-set.ts';
import type { Subject } from '../subject.ts';

const STRICT = 1;

/** A link, and what its filter does: 1 = strict, 2 = loose. */
interface Filter {
  readonly link: Link;
  readonly mode: number;
}

export function lookAtReversePathFilter(subject: Subject): Found[] {
  const links = readLinks();
  const filters = links.filter(({ isUp }) => isUp).map((link) => ({ link, mode: modeOf(link) }));
  const outer = filters.filter(({ link, mode }) => !link.isLoopback && mode > 0);
  const found = [
    ...lookAtDrops(subject, outer),
    ...lookAtExporters(subject, outer),
    ...lookAtLocalCollectors(subject, filters),
  ];
  if (found.length > 0) return found;
  if (outer.length === 0) return [ok('off on all links')];
  const total = subject.samples[1].kernel.reversePathDrops ?? 0;
  const dropped =
    total === 0 ? '' : `; ${counted(total, 'packet')} dropped since this host is up, none now`;
  return [ok(`${describe(outer)}; exporters of the rules have routes back${dropped}`)];
}

/** The stricter one of `all` and the link: loose, 2, is the larger number. */
function modeOf({ name }: Link): number {
  const [all = 0, own = 0] = ['all', name].map((which) =>
    readParameter(`net.ipv4.conf.${which}.rp_filter`),
  );
  return Math.max(all, own);
}

function describe(filters: readonly Filter[]): string {
  return `rp_filter is ${listed(filters.map(({ link, mode }) => `${mode} on ${link.name}`))}`;
}

function adviceFor(filters: readonly Filter[]): string {
  const name = filters[0]?.link.name ?? 'IFACE';
  return `a route to these exporters by the link they come by, or \`sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.${name}.rp_filter=2\` (2 needs any route, 0 none)`;
}

function lookAtDrops({ samples: [before, after] }: Subject, filters: readonly Filter[]): Found[] {
  const dropped = (after.kernel.reversePathDrops ?? 0) - (before.kernel.reversePathDrops ?? 0);
  if (dropped <= 0) return [];
  return [
    fail(
      `${counted(dropped, 'packet')} dropped while this looked, of whomever (${describe(filters)})`,
      `\`sysctl -w net.ipv4.conf.all.log_martians=1\` shows whose in dmesg; ${adviceFor(filters)}`,
    ),
  ];
}

/** Of rules: packets of others come as well, by default outputs. */
function lookAtExporters({ rules, settings }: Subject, filters: readonly Filter[]): Found[] {
  if (rules === undefined || filters.length === 0) return [];
  const exporters = exportersOf(rules.ruleSet)
    .filter(({ octets }) => octets.length === 4)
    .slice(0, MAX_ENDPOINTS);
  const routes = findRoutes(exporters.map(({ octets }) => octets));
  const homeless = exporters.filter((_, i) => routes[i]?.error !== undefined);
  const listening = strictLinks(settings.config?.listeners ?? [], filters);
  const isElsewhere = (route: Route | undefined) =>
    route?.error === undefined && listening.every(({ link }) => link.index !== route?.link);
  const elsewhere =
    listening.length === 0 ? [] : exporters.filter((_, i) => isElsewhere(routes[i]));
  return [
    ...(homeless.length === 0 ? [] : [withoutRoute(homeless, filters)]),
    ...(elsewhere.length === 0 ? [] : [byAnotherLink(elsewhere, listening)]),
  ];
}

function withoutRoute(exporters: readonly Endpoint[], filters: readonly Filter[]): Found {
  return fail(
    `no route back to ${counted(exporters.length, 'exporter')} (${listed(exporters.map(({ host }) => host))}): ${describe(filters)}, where their packets are dropped`,
    adviceFor(filters),
  );
}

function byAnotherLink(exporters: readonly Endpoint[], filters: readonly Filter[]): Found {
  const links = filters.map(({ link }) => link.name).join(', ');
  const have = filters.length === 1 ? 'has the listening address' : 'have the listening addresses';
  return warn(
    `the route back to ${counted(exporters.length, 'exporter')} (${listed(exporters.map(({ host }) => host))}) leaves by another link than ${links}, which ${have}: with rp_filter=1 what comes there is dropped`,
    adviceFor(filters),
  );
}

/** The strict links that have the listening addresses; none with a wildcard: packets can come by any. */
function strictLinks(
  listeners: readonly SocketAddress[],
  filters: readonly Filter[],
): readonly Filter[] {
  const strict = filters.filter(({ mode }) => mode === STRICT);
  const found = listeners.map(({ octets }) =>
    octets.length !== 4 || isWildcard(octets)
      ? undefined
      : strict.find(({ link }) => addressesOf(link.name).includes(formatAddress(octets))),
  );
  return found.includes(undefined) ? [] : [...new Set(found)].filter((one) => one !== undefined);
}

/** Copies to a program on this host come by the loopback link, from addresses to which the route is another. */
function lookAtLocalCollectors({ rules }: Subject, filters: readonly Filter[]): Found[] {
  const loopback = filters.find(({ link, mode }) => link.isLoopback && mode === STRICT);
  if (rules === undefined || loopback === undefined) return [];
  const collectors = collectorsOf(rules.ruleSet).filter(({ octets }) => octets.length === 4);
  const routes = findRoutes(collectors.slice(0, MAX_ENDPOINTS).map(({ octets }) => octets));
  const local = collectors.filter((_, i) => routes[i]?.type === 'local');
  if (local.length === 0) return [];
  return [
    fail(
      `rp_filter is 1 on ${loopback.link.name}: copies to programs on this host (${listed(local.map(({ host }) => host))}) are dropped, for they come from exporters' addresses`,
      `\`sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.${loopback.link.name}.rp_filter=0\``,
    ),
  ];
}

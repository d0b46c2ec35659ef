import { readFileSync } from 'node:fs';
import { type Link, readLinks } from '../native/network.ts';
import { readQdiscs } from '../native/policy.ts';
import { legacyObstacle } from './legacy-tables.ts';

/** Of net.ipv4.conf.*.rp_filter (ip-sysctl): what comes by another link than answers would go is dropped. */
const STRICT = 1;

/**
 * What this host has between its links and its sockets, nftables and IPsec aside, in words. Takes less than a millisecond.
 *
 * @throws SystemCallError
 */
export function inputObstacles(): string[] {
  const legacy = legacyObstacle();
  const links = readLinks().filter(({ isEthernet }) => isEthernet);
  const filtered = new Set(
    readQdiscs().flatMap(({ kind, link }) => (kind === 'ingress' ? [link] : [])),
  );
  return [
    ...(legacy === undefined ? [] : [legacy]),
    ...links.flatMap(({ index, name }) =>
      filtered.has(index) ? [`${name} has filters at its ingress (tc qdisc)`] : [],
    ),
    ...links
      .filter(isStrict)
      .map(({ name }) => `${name} has a strict reverse path filter (rp_filter)`),
  ];
}

/** The stricter one of `all` and the link's own is in force, but loose is a larger number. */
function isStrict({ name }: Link): boolean {
  return Math.max(readFilter('all'), readFilter(name)) === STRICT;
}

function readFilter(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`, 'latin1'));
  } catch {
    // The link has gone meanwhile.
    return 0;
  }
}

/** The way to each collector: route, next hop, link, MTU; and who takes what comes to this host itself. */
import { formatAddress } from '../../model/address.ts';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import {
  findRoutes,
  type Link,
  type Neighbour,
  type Route,
  readLinks,
  readNeighbours,
} from '../../native/network.ts';
import { NextHops } from '../../native/next-hops.ts';
import { counted, type Found, fail, listed, ok, skip, warn } from '../finding.ts';
import { collectorsOf, MAX_ENDPOINTS } from '../rule-set.ts';
import { type BoundSocket, covers, readBoundSockets } from '../sockets.ts';
import type { Subject } from '../subject.ts';

/** Exporters fill packets of Ethernet's usual size. */
const USUAL_MTU = 1500;

/** One collector and its way. */
interface Way {
  readonly collector: Endpoint;
  readonly name: string;
  readonly route: Route;
  readonly link: Link | undefined;
  /** Who has to answer: the gateway, or the collector itself. */
  readonly hop: string;
  readonly neighbour: Neighbour | undefined;
}

/** What is wrong with the ways of some collectors: one finding for all of them. */
interface Trouble {
  readonly level: 'FAIL' | 'WARN';
  /** What has it in common. */
  readonly what: string;
  readonly advice: string;
}

export function lookAtCollectors(subject: Subject): Found[] {
  const { rules, rulesError, settings } = subject;
  if (rules === undefined) {
    return [
      skip(
        `no rules to look at: ${rulesError ?? 'unknown'}`,
        '`floxy doctor FILE` looks at those of a file',
      ),
    ];
  }
  const all = collectorsOf(rules.ruleSet);
  const ways = findWays(all.slice(0, MAX_ENDPOINTS));
  const listenPorts = (settings.config?.listeners ?? []).map(({ port }) => port);
  const sockets = readBoundSockets('udp') ?? [];
  const troubles = new Map<string, Trouble & { readonly names: string[] }>();
  for (const way of ways) {
    for (const trouble of troublesOf(way, listenPorts, sockets)) {
      const known = troubles.get(trouble.what);
      if (known === undefined) troubles.set(trouble.what, { ...trouble, names: [way.name] });
      else known.names.push(way.name);
    }
  }
  const found = [...troubles.values()].map(({ level, what, advice, names }) => {
    const make = level === 'FAIL' ? fail : warn;
    return make(`${listed(names)}: ${what}`, advice);
  });
  if (found.length > 0) return found;
  const rest = all.length > ways.length ? ` (of ${all.length})` : '';
  return [
    ok(`${counted(ways.length, 'collector')}${rest} of ${rules.name}: routes, next hops, MTU`),
  ];
}

function findWays(collectors: readonly Endpoint[]): Way[] {
  const routes = findRoutes(collectors.map(({ octets }) => octets));
  const hops = new NextHops(readLinks(), readNeighbours());
  return collectors.map((collector, i) => {
    const route = routes[i] as Route;
    const { link, octets, neighbour } = hops.of(route, collector.octets);
    const hop = formatAddress(octets);
    return { collector, name: formatEndpoint(collector), route, link, hop, neighbour };
  });
}

function troublesOf(
  way: Way,
  listenPorts: readonly number[],
  sockets: readonly BoundSocket[],
): Trouble[] {
  const { route } = way;
  if (route.error !== undefined) return [withoutRoute(route.error)];
  if (route.type === 'local' || route.type === 'anycast')
    return localTroubles(way, listenPorts, sockets);
  if (route.type !== 'unicast')
    return [{ ...withoutRoute(route.type), what: `the route is of type ${route.type}` }];
  return [...linkTroubles(way), ...hopTroubles(way), ...mtuTroubles(way)];
}

function withoutRoute(error: string): Trouble {
  return {
    level: 'FAIL',
    what: `no route (${error})`,
    advice: '`ip route get ADDRESS` shows it; `ip route add ADDRESS via GATEWAY`',
  };
}

/** Spec V4. */
function localTroubles(
  { collector }: Way,
  listenPorts: readonly number[],
  sockets: readonly BoundSocket[],
): Trouble[] {
  const { port } = collector;
  if (listenPorts.includes(port) || (port === 0 && listenPorts.length > 0)) {
    return [
      {
        level: 'FAIL',
        what: 'this is the proxy itself: packets would circle',
        advice: 'another address or port: the rule is set aside',
      },
    ];
  }
  const isHeard = sockets.some(
    (socket) => socket.port === port && covers(socket, collector.octets),
  );
  if (port === 0 || isHeard) return [];
  return [
    {
      level: 'WARN',
      what: 'an address of this host, on which no program listens',
      advice: 'start the collector; `ss -uanp` shows who listens where',
    },
  ];
}

function linkTroubles({ link }: Way): Trouble[] {
  if (link === undefined || (link.isUp && link.isRunning)) return [];
  const what = `they leave by ${link.name}, which ${link.isUp ? 'has no carrier' : 'is down'}`;
  return [
    {
      level: 'FAIL',
      what,
      advice: link.isUp
        ? 'cable, switch port, or the other end'
        : `\`ip link set ${link.name} up\``,
    },
  ];
}

/** The kernel counts a copy as sent, and drops it when its next hop does not answer. */
function hopTroubles({ hop, link, neighbour, route }: Way): Trouble[] {
  const who = route.gateway === undefined ? 'it' : `its gateway ${hop}`;
  const protocol = hop.includes(':') ? 'neighbour discovery' : 'ARP';
  const advice = `is it up, in this network, and is the address right? \`ip neigh show ${hop}\``;
  if (neighbour?.state === 'failed') {
    return [
      {
        level: 'FAIL',
        what: `${who} does not answer (no ${protocol} answer on ${link?.name}): copies are dropped`,
        advice,
      },
    ];
  }
  if (neighbour?.state === 'incomplete') {
    return [
      { level: 'WARN', what: `${who} has not answered yet (${protocol} on ${link?.name})`, advice },
    ];
  }
  return [];
}

function mtuTroubles({ route, link }: Way): Trouble[] {
  const mtu = route.mtu === 0 ? (link?.mtu ?? USUAL_MTU) : route.mtu;
  if (mtu >= USUAL_MTU) return [];
  return [
    {
      level: 'WARN',
      what: `MTU ${mtu} on the way (${link?.name}): what exporters fill to ${USUAL_MTU} bytes leaves as fragments`,
      advice:
        'a larger MTU, smaller packets at the exporters, or nothing where collectors get fragments (`fragmented` in `floxy status` counts them)',
    },
  ];
}

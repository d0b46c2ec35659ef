import type { RouteState, Way } from '../model/collector-status.ts';
import { type Endpoint, isIpv6 } from '../model/endpoint.ts';

const NO_ROUTE: Readonly<Partial<Record<RouteState, string>>> = {
  none: 'there is no route to it: add one (`ip route add`)',
  unreachable: 'a route of this host says that it is unreachable: see `ip route get`',
  blackhole: 'a route of this host drops what goes there (blackhole): see `ip route get`',
  prohibit: 'a route of this host forbids it (prohibit): see `ip route get`',
};

/** What is wrong with the way to a collector and what to do; undefined when nothing is known to be (spec S26). */
export function wayProblem(collector: Endpoint, way: Way): string | undefined {
  const noRoute = NO_ROUTE[way.route];
  if (noRoute !== undefined) return noRoute;
  if (way.neighbour !== 'failed') return undefined;
  const question = isIpv6(collector) ? 'neighbour discovery' : 'ARP';
  const where = way.device === undefined ? '' : ` on ${way.device}`;
  return way.via === undefined
    ? `it does not answer ${question}${where}, so its copies are lost and count as sent: is it up, and in this network?`
    : `the router ${way.via} does not answer ${question}${where}, so its copies are lost and count as sent: is it up?`;
}

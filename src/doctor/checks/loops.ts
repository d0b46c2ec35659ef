/** Proxies that name each other: packets circle until their hop limit ends them. */
import { networkInterfaces } from 'node:os';
import { formatEndpoint } from '../../model/endpoint.ts';
import { listenPorts } from '../addresses.ts';
import { counted, type Found, fail, listed, ok, skip } from '../finding.ts';
import type { Subject } from '../subject.ts';

export async function lookAtLoops(subject: Subject): Promise<Found[]> {
  if (subject.askPeers === undefined) return [skip('no rules to look at')];
  const asked = await subject.askPeers();
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
  );
  // Collectors that are this proxy itself: lookAtCollectors().
  const peers = asked.filter(({ host }) => !own.has(host));
  const ports = listenPorts(subject);
  const circles = peers.flatMap(({ host, collectors = [] }) => {
    // Without a port it sends to the one on which it receives.
    const back = collectors.filter(
      ({ host: to, port }) =>
        own.has(to) && (port === 0 || ports.length === 0 || ports.includes(port)),
    );
    return back.length === 0 ? [] : [{ host, back: back.map(formatEndpoint) }];
  });
  if (circles.length > 0) {
    return circles.map(({ host, back }) =>
      fail(
        `collector ${host} is a proxy that sends here (${listed(back)}): packets may circle until their hop limit ends them`,
        `\`floxy rules list\` there says by which rules, or default outputs; take them out, there or here`,
      ),
    );
  }
  const telling = peers.filter(({ collectors }) => collectors !== undefined).length;
  return [
    ok(
      `none is known: ${counted(peers.length, 'host')} of collectors asked, of which ${telling} told rules, and none sends here`,
    ),
  ];
}

/** What copies that leave as frames pass by on this host. */
import { findRoutes, readLinks } from '../../native/network.ts';
import { type Links, outputObstacles } from '../../paths/output-obstacles.ts';
import { type Found, listed, ok, skip, warn } from '../finding.ts';
import { readParameter } from '../host.ts';
import { lookAtWatches, type OnWay } from '../on-way.ts';
import { collectorsOf, MAX_ENDPOINTS } from '../rule-set.ts';
import type { Subject } from '../subject.ts';

const MORE = 'docs/operating.md, "Copies as frames"';

export async function lookAtFrames(subject: Subject): Promise<Found[]> {
  const { config } = subject.settings;
  if (config === undefined || config.listeners.length === 0) return [];
  if (config.sender === 'raw')
    return [ok('copies leave through raw sockets: COLLECTOR_FLOXY_SENDER=raw')];
  const { obstacles, unknown } = await lookAtOutput(linksOf(subject));
  return config.sender === 'link'
    ? forcedFrames(obstacles, unknown)
    : chosenFrames(obstacles, unknown);
}

async function lookAtOutput(links: Links): Promise<OnWay> {
  const { obstacles, unknown } = await lookAtWatches('output');
  return { obstacles: [...obstacles, ...outputObstacles(links)], unknown };
}

/** Those by which copies leave. */
function linksOf({ rules }: Subject): Links {
  const collectors = rules === undefined ? [] : collectorsOf(rules.ruleSet).slice(0, MAX_ENDPOINTS);
  const used = new Set(findRoutes(collectors.map(({ octets }) => octets)).map(({ link }) => link));
  return new Map(
    readLinks().flatMap(({ index, name }) => (used.has(index) ? [[index, name] as const] : [])),
  );
}

function forcedFrames(obstacles: readonly string[], unknown: readonly string[]): Found[] {
  if (obstacles.length > 0) {
    return [
      warn(
        `copies leave as frames (COLLECTOR_FLOXY_SENDER=link), past this: ${listed(obstacles)}`,
        `COLLECTOR_FLOXY_SENDER=auto, unless it is not for copies: ${MORE}`,
      ),
    ];
  }
  if (unknown.length > 0) return [skip(`copies leave as frames: ${unknown.join(', ')}`)];
  return [ok(`copies leave as frames, and nothing is known that they pass by${untracked()}`)];
}

function chosenFrames(obstacles: readonly string[], unknown: readonly string[]): Found[] {
  const reasons = [...obstacles, ...unknown];
  if (reasons.length === 0)
    return [ok(`copies may leave as frames: nothing is on the way of output${untracked()}`)];
  return [
    ok(
      `copies leave through raw sockets: ${listed(reasons)}`,
      `when it is not for copies, COLLECTOR_FLOXY_SENDER=link has them leave as frames, at half the cost: ${MORE}`,
    ),
  ];
}

/** Who counts or allows by connections does not see frames. */
function untracked(): string {
  const tracked = readParameter('net.netfilter.nf_conntrack_count') ?? 0;
  return tracked > 0 ? '; connection tracking does not see them' : '';
}

import { dateAndTime } from '../base/text.ts';
import { type Endpoint, formatEndpoint } from './endpoint.ts';
import type { Collector, HealthCheck } from './rules.ts';

/** `unknown`: nothing is known of it yet, or it cannot be checked: it gets packets as one that is up (spec H2). */
export type HealthState = 'unknown' | 'up' | 'down';

/** A collector that rules have watched, with its health settings: one watch however many rules name it (spec H1). */
export interface WatchedCollector {
  /** As rules name it. */
  readonly endpoint: Endpoint;
  readonly check: HealthCheck | 'ICMP';
  readonly state: HealthState;
  /** Since when. */
  readonly since: Date;
  /** Why it is down, or is about to be: what the last check found. */
  readonly cause?: string;
  /** Why it cannot be checked. */
  readonly problem?: string;
}

/** How many collectors are watched, and some of those that are down or cannot be checked. */
export interface HealthSummary {
  readonly watched: number;
  readonly down: number;
  /** Nothing is known of them yet, or they cannot be checked. */
  readonly unknown: number;
  /** At most MAX_TROUBLED, those that are down first. */
  readonly troubled: readonly WatchedCollector[];
}

export const MAX_TROUBLED = 100;

/** Each check by its name for people, and what to do when a collector is down by it. */
export const HEALTH_CHECKS: Readonly<
  Record<HealthCheck | 'ICMP', { readonly name: string; readonly advice: string }>
> = {
  ICMP: {
    name: 'ICMP echo',
    advice: 'is its host up, and do firewalls let echo requests of this host through?',
  },
  PORT: { name: 'UDP port', advice: 'does the collector run, and listen on this port?' },
  TCP: {
    name: 'TCP',
    advice: 'does the collector run, and do firewalls let this host connect?',
  },
  HTTP: {
    name: 'HTTP',
    advice:
      'what does the collector say of itself at this URL, and do firewalls let this host ask?',
  },
};

/** What is wrong with a collector and what to do, for people; undefined when nothing is known to be. */
export function healthProblem(watched: WatchedCollector): string | undefined {
  const { check, state, since, cause, problem } = watched;
  const { name, advice } = HEALTH_CHECKS[check];
  if (state === 'down') {
    const when = dateAndTime(since.toISOString());
    return `it is down since ${when} UTC (${name}: ${cause ?? 'as the process before knew'}): ${advice}`;
  }
  if (problem === undefined) return undefined;
  return `its health cannot be checked, so that it counts as up (${name}: ${problem})`;
}

const keys = new WeakMap<Collector, string>();

/** Which watch a collector has: by its endpoint and by how it is watched; undefined without `health`. */
export function watchKey(collector: Collector): string | undefined {
  const { endpoint, health } = collector;
  if (health === undefined) return undefined;
  let key = keys.get(collector);
  if (key === undefined) {
    const { check = 'ICMP', port, url, intervalMs, timeoutMs, rise, fall } = health;
    const settings = [check, port, url, intervalMs, timeoutMs, rise, fall].map(
      (value) => value ?? null,
    );
    key = `${formatEndpoint(endpoint)} ${JSON.stringify(settings)}`;
    keys.set(collector, key);
  }
  return key;
}

/** Whether a collector has one of these watches. @param watches by watchKey() */
export function isWatchedBy(watches: ReadonlySet<string>, collector: Collector): boolean {
  const key = watchKey(collector);
  return key !== undefined && watches.has(key);
}

/** Those that are in one of two sets and not in the other. */
export function turnedBetween(one: ReadonlySet<string>, other: ReadonlySet<string>): Set<string> {
  const gone = [...one].filter((key) => !other.has(key));
  const come = [...other].filter((key) => !one.has(key));
  return new Set([...gone, ...come]);
}

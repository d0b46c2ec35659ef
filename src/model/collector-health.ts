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

/** Those that are in one of two sets and not in the other. */
export function turnedBetween(one: ReadonlySet<string>, other: ReadonlySet<string>): Set<string> {
  const gone = [...one].filter((key) => !other.has(key));
  const come = [...other].filter((key) => !one.has(key));
  return new Set([...gone, ...come]);
}

import type { Endpoint } from '../model/endpoint.ts';
import { makeEndpoint } from '../model/endpoint.ts';
import { type Collector, DEFAULT_INTERVAL_MS, type HealthCheck } from '../model/rules.ts';

const RISE = 2;
const FALL = 3;

/** How a collector is watched, with nothing left to defaults (spec H1, H2). */
export interface WatchSettings {
  readonly check: HealthCheck | 'ICMP';
  /** Whom to ask; HTTP asks its URL. */
  readonly endpoint: Endpoint;
  readonly url: string | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** So many good checks in a row end its being down. */
  readonly rise: number;
  /** So many failed ones in a row take it down. */
  readonly fall: number;
  /** From one check to the next while it is failing and not down yet. */
  readonly recheckMs: number;
}

/** @param listeningPort of collectors that have none (spec R5) */
export function watchSettings(collector: Collector, listeningPort: number): WatchSettings {
  const { endpoint, health = {} } = collector;
  const { check = 'ICMP', port, url, intervalMs = DEFAULT_INTERVAL_MS } = health;
  const { timeoutMs = intervalMs / 2, rise = RISE, fall = FALL } = health;
  return {
    check,
    endpoint: makeEndpoint(endpoint.octets, port ?? (endpoint.port || listeningPort)),
    url,
    intervalMs,
    timeoutMs,
    rise,
    fall,
    recheckMs: recheckMs(intervalMs, timeoutMs, fall),
  };
}

/**
 * The first check after a collector has died begins an interval later at most. The others follow so that the last of
 * `fall` has run into its timeout when `fall` intervals are over, if timeouts leave room for that.
 */
function recheckMs(intervalMs: number, timeoutMs: number, fall: number): number {
  if (fall === 1) return intervalMs;
  return Math.max(timeoutMs, intervalMs - timeoutMs / (fall - 1));
}

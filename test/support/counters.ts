import { FORWARDER_COUNTERS } from '../../src/telemetry/catalogue.ts';
import type { ForwarderCounters } from '../../src/telemetry/status.ts';

const ZERO = { traffic: { packets: 0n, bytes: 0n }, count: 0n, errors: [] } as const;

/** The counters of a forwarder that has done nothing yet. */
export const NO_COUNTS = Object.fromEntries(
  FORWARDER_COUNTERS.map(({ key, kind }) => [key, ZERO[kind]]),
) as unknown as ForwarderCounters;

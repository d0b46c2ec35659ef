import type { HealthState } from './collector-health.ts';
import type { Collector, Exporter, Output } from './rules.ts';

/** Cumulative since the service started; bytes are UDP payload. */
export interface Counters {
  readonly packets: bigint;
  readonly bytes: bigint;
}

export function sumCounters(all: Iterable<Counters>): Counters {
  let packets = 0n;
  let bytes = 0n;
  for (const counters of all) {
    packets += counters.packets;
    bytes += counters.bytes;
  }
  return { packets, bytes };
}

export interface CollectorStatistics {
  readonly collector: Collector;
  readonly output: Counters;
  /** Absent when no rule has it watched. */
  readonly health?: HealthState;
}

/** What a pipeline was given by one output. */
export interface PipelineStatistics {
  readonly name: string;
  readonly output: Counters;
}

/** Packets that reached an output and that it did not take. */
export interface LeftOut {
  /** By its sampling (spec R21). */
  readonly sampled: Counters;
  /** By its filter (spec R22). */
  readonly filtered: Counters;
}

export const NOTHING_LEFT_OUT: LeftOut = {
  sampled: { packets: 0n, bytes: 0n },
  filtered: { packets: 0n, bytes: 0n },
};

/** What an output left out; absent when it has no sampling, or no filter. */
interface LeftOutStatistics {
  readonly sampledOut?: Counters;
  readonly filteredOut?: Counters;
}

/** What people call an output. */
export type OutputWords = Pick<Output, 'name' | 'description'>;

/** Of an output: those of its collectors, or of its pipeline. */
export type OutputStatistics = OutputWords &
  LeftOutStatistics &
  (
    | { readonly collectors: readonly CollectorStatistics[]; readonly pipeline?: never }
    | { readonly pipeline: PipelineStatistics; readonly collectors?: never }
  );

export interface RuleStatistics {
  readonly exporter: Exporter;
  readonly description?: string;
  readonly input: Counters;
  readonly outputs: readonly OutputStatistics[];
}

export interface ProxyStatistics {
  readonly rules: readonly RuleStatistics[];
  /** Empty when only some rules were asked for (spec S4). */
  readonly defaultOutputs: readonly OutputStatistics[];
  readonly mismatched: Counters;
}

import type { ProducerStatus } from '../model/producer.ts';
import type {
  CounterGroup,
  DEATH_COUNTERS,
  ENRICH_COUNTERS,
  PRODUCER_COUNTERS,
  RING_COUNTERS,
  WORKER_COUNTERS,
} from './counters.ts';

/** Counters of one worker, or of several. Cumulative, but for gauges; the catalogues (counters.ts) say what they mean. */
export interface PipelineCounters {
  readonly ring: CounterGroup<keyof typeof RING_COUNTERS>;
  readonly worker: CounterGroup<keyof typeof WORKER_COUNTERS>;
  readonly producer: CounterGroup<keyof typeof PRODUCER_COUNTERS>;
  readonly enrich: CounterGroup<keyof typeof ENRICH_COUNTERS>;
  /** By word: DECODE_COUNTERS says which is which. */
  readonly decode: Float64Array;
}

export interface WorkerStats {
  readonly shard: number;
  /** Undefined while it is being replaced. */
  readonly pid: number | undefined;
  readonly restarts: number;
  readonly producer: ProducerStatus;
  /** Of this process. */
  readonly counters: PipelineCounters;
}

export interface PipelineStats {
  readonly name: string;
  /** Kind of its producer, and name of its format; empty when it is missing. */
  readonly producer: string;
  readonly format: string;
  /** `unused`: configured, but no rule names it. `missing`: rules name it, but it is not configured. */
  readonly state: 'running' | 'starting' | 'failing' | 'unused' | 'missing';
  /** Why it is not running, and what to do. */
  readonly error: string | undefined;
  /** Since when the sums count. */
  readonly countedSince: Date;
  readonly workers: readonly WorkerStats[];
  /** Of all workers, those that are no more included. */
  readonly total: PipelineCounters;
  readonly deaths: CounterGroup<keyof typeof DEATH_COUNTERS>;
}

/** How the asking of another node for templates goes. */
export interface TemplatePeerStats {
  /** Where its API is. */
  readonly peer: string;
  /** `waiting`: no worker of a pipeline runs here. */
  readonly state: 'ok' | 'failing' | 'waiting';
  /** Why it is failing, and what to do. */
  readonly error: string | undefined;
  /** Changes that were taken over, and those that cannot be. */
  readonly taken: number;
  readonly refused: number;
}

/** Who knows how pipelines do. */
export interface PipelineStatsSource {
  pipelines(): readonly PipelineStats[];
  /** Absent: no other node is asked. */
  templatePeers?(): readonly TemplatePeerStats[];
}

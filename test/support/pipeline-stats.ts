import {
  DECODE_COUNTERS,
  makeDecodeCounters,
  PROTOCOL_WORD,
  type ProtocolCounter,
  protocolBlock,
} from '../../src/flow/decode/counters.ts';
import type { FlowProtocol } from '../../src/flow/model/packets.ts';
import {
  type CounterGroup,
  DEATH_COUNTERS,
  ENRICH_COUNTERS,
  PRODUCER_COUNTERS,
  RING_COUNTERS,
  WORKER_COUNTERS,
} from '../../src/flow/pipeline/counters.ts';
import type {
  PipelineCounters,
  PipelineStats,
  WorkerStats,
} from '../../src/flow/pipeline/stats.ts';

type Counts = Partial<Record<FlowProtocol, Partial<Record<ProtocolCounter, number>>>>;

export interface Given {
  readonly name?: string;
  readonly decode?: Counts;
  readonly ring?: Partial<PipelineCounters['ring']>;
  readonly producer?: Partial<PipelineCounters['producer']>;
  readonly state?: PipelineStats['state'];
  readonly error?: string;
  readonly workers?: number;
}

/** Statistics of a pipeline: what is not given is 0. */
export function pipelineStats(given: Given = {}): PipelineStats {
  const total: PipelineCounters = {
    ring: { ...zeros(RING_COUNTERS), ...given.ring },
    worker: zeros(WORKER_COUNTERS),
    producer: { ...zeros(PRODUCER_COUNTERS), ...given.producer },
    enrich: zeros(ENRICH_COUNTERS),
    decode: decodeCounters(given.decode ?? {}),
  };
  return {
    name: given.name ?? 'main',
    producer: 'kafka',
    format: 'json',
    state: given.state ?? 'running',
    error: given.error,
    countedSince: new Date(1_700_000_000_000),
    workers: Array.from({ length: given.workers ?? 1 }, (_, shard) => worker(shard, total)),
    total,
    deaths: zeros(DEATH_COUNTERS),
  };
}

/** Counters that each have another value: what is forgotten or mixed up on the way is seen. */
export function distinctStats(name = 'main'): PipelineStats {
  let next = 1;
  const distinct = <K extends string>(catalogue: Readonly<Record<K, unknown>>) =>
    Object.fromEntries(Object.keys(catalogue).map((key) => [key, next++])) as CounterGroup<K>;
  const stats = pipelineStats({ name });
  const total: PipelineCounters = {
    ring: distinct(RING_COUNTERS),
    worker: distinct(WORKER_COUNTERS),
    producer: distinct(PRODUCER_COUNTERS),
    enrich: distinct(ENRICH_COUNTERS),
    decode: Float64Array.from(DECODE_COUNTERS, () => next++),
  };
  return { ...stats, total, workers: [worker(0, total)], deaths: distinct(DEATH_COUNTERS) };
}

function worker(shard: number, counters: PipelineCounters): WorkerStats {
  return { shard, pid: 1000 + shard, restarts: shard, producer: { state: 'ok' }, counters };
}

function decodeCounters(counts: Counts): Float64Array {
  const words = makeDecodeCounters();
  for (const [protocol, values] of Object.entries(counts)) {
    for (const [key, value] of Object.entries(values)) {
      const word = PROTOCOL_WORD[key as ProtocolCounter];
      words[protocolBlock(protocol as FlowProtocol) + word] = value;
    }
  }
  return words;
}

function zeros<K extends string>(catalogue: Readonly<Record<K, unknown>>): CounterGroup<K> {
  return Object.fromEntries(Object.keys(catalogue).map((key) => [key, 0])) as CounterGroup<K>;
}

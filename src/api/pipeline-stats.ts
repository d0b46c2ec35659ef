/** Statistics of pipelines as messages. */
import { snakeCase } from '../base/text.ts';
import { DECODE_COUNTERS, PROTOCOLS } from '../flow/decode/counters.ts';
import type { FlowProtocol } from '../flow/model/packets.ts';
import type {
  PipelineCounters,
  PipelineStats,
  TemplatePeerStats,
  WorkerStats,
} from '../flow/pipeline/stats.ts';
import type {
  CounterMap,
  PipelineCountersMessage,
  PipelineMessage,
  PipelineStatsMessage,
  PipelineWorkerMessage,
  TemplatePeerMessage,
} from '../protocol/pipeline-messages.ts';

export function fromPipelineStats(
  pipelines: readonly PipelineStats[],
  peers: readonly TemplatePeerStats[] = [],
): PipelineStatsMessage {
  return { pipelines: pipelines.map(fromPipeline), templatePeers: peers.map(fromPeer) };
}

function fromPeer({ peer, state, error, taken, refused }: TemplatePeerStats): TemplatePeerMessage {
  return {
    peer,
    state,
    ...(error !== undefined && { error }),
    taken: String(taken),
    refused: String(refused),
  };
}

function fromPipeline(pipeline: PipelineStats): PipelineMessage {
  const { name, format, producer, state, error, countedSince, workers, total, deaths } = pipeline;
  return {
    name,
    format,
    producer,
    state,
    ...(error !== undefined && { error }),
    countedSince: countedSince.toISOString(),
    workers: workers.map(fromWorker),
    total: fromCounters(total),
    deaths: counterMap(Object.entries(deaths)),
  };
}

function fromWorker({
  shard,
  pid,
  restarts,
  producer,
  counters,
}: WorkerStats): PipelineWorkerMessage {
  return {
    shard,
    ...(pid !== undefined && { pid }),
    restarts: String(restarts),
    producerState: producer.state,
    ...(producer.error !== undefined && { producerError: producer.error }),
    counters: fromCounters(counters),
  };
}

function fromCounters(counters: PipelineCounters): PipelineCountersMessage {
  const { ring, worker, decode, enrich, producer } = counters;
  return {
    ring: counterMap(Object.entries(ring)),
    worker: counterMap(Object.entries(worker)),
    decode: decodeCounters(decode, undefined),
    protocols: PROTOCOLS.map((protocol) => ({
      protocol,
      counters: decodeCounters(decode, protocol),
    })),
    enrich: counterMap(Object.entries(enrich)),
    producer: counterMap(Object.entries(producer)),
  };
}

function decodeCounters(words: Float64Array, of: FlowProtocol | undefined): CounterMap {
  const rows = DECODE_COUNTERS.filter(({ protocol }) => protocol === of);
  return counterMap(rows.map(({ key, word }) => [key, words[word] ?? 0]));
}

/** Fractions (of milliseconds) are cut off; a gauge that was read while it changed is not below 0. */
function counterMap(entries: readonly (readonly [key: string, value: number])[]): CounterMap {
  return Object.fromEntries(
    entries.map(([key, value]) => [snakeCase(key), String(Math.max(0, Math.trunc(value)))]),
  );
}

/** The messages of proto/flows.proto, as messages.ts shows those of the other files. */

/** By name in snake_case; values are decimal. */
export type CounterMap = Readonly<Record<string, string>>;

export interface ProtocolCountersMessage {
  readonly protocol: string;
  readonly counters: CounterMap;
}

export interface PipelineCountersMessage {
  readonly ring: CounterMap;
  readonly worker: CounterMap;
  readonly decode: CounterMap;
  readonly protocols: readonly ProtocolCountersMessage[];
  readonly enrich: CounterMap;
  readonly producer: CounterMap;
}

export interface PipelineWorkerMessage {
  readonly shard: number;
  readonly pid?: number;
  readonly restarts: string;
  readonly producerState: string;
  readonly producerError?: string;
  readonly counters: PipelineCountersMessage;
}

export interface PipelineMessage {
  readonly name: string;
  readonly format: string;
  readonly producer: string;
  readonly state: string;
  readonly error?: string;
  /** RFC 3339 in UTC. */
  readonly countedSince: string;
  readonly workers: readonly PipelineWorkerMessage[];
  readonly total: PipelineCountersMessage;
  readonly deaths: CounterMap;
}

export interface TemplatePeerMessage {
  readonly peer: string;
  readonly state: string;
  readonly error?: string;
  readonly taken: string;
  readonly refused: string;
}

export interface PipelineStatsMessage {
  readonly pipelines: readonly PipelineMessage[];
  readonly templatePeers: readonly TemplatePeerMessage[];
}

export interface FlowFilterMessage {
  readonly pipelines?: readonly string[];
  readonly exporters?: readonly string[];
  readonly addresses?: readonly string[];
  readonly ports?: readonly number[];
  readonly protocols?: readonly number[];
}

export interface TailFlowsRequestMessage {
  readonly filter?: FlowFilterMessage | null;
  readonly recordsPerSecond?: number;
}

export interface TailedFlowsMessage {
  readonly records: readonly string[];
  readonly pipeline: string;
  readonly skipped: string;
}

import type { SocketAddress } from '../../../config/socket-address.ts';
import type { BatchSettings, SflowSettings } from './schema.ts';

/** Options as their own schema makes them. */
export interface Written {
  readonly options: unknown;
  /** As they were written, with secrets: what another process reads again. */
  readonly written: unknown;
}

/** A kind with its options. */
export interface Chosen extends Written {
  readonly kind: string;
}

export interface SamplingOverride {
  /** `ADDRESS` or `ADDRESS/LENGTH`. */
  readonly prefix: string;
  readonly rate: number;
}

/** One pipeline, as it is to be. */
export interface PipelineSettings {
  readonly name: string;
  readonly workers: number | 'auto';
  readonly format: Chosen;
  readonly producer: Chosen;
  readonly batch: BatchSettings;
  readonly sampling: readonly SamplingOverride[];
  readonly sflow: SflowSettings;
  readonly enrich: Written;
  readonly mapping: Written | undefined;
}

/** What a document says. */
export interface PipelinesConfig {
  /** Undefined where it says nothing of it. */
  readonly listen: readonly SocketAddress[] | undefined;
  readonly pipelines: readonly PipelineSettings[];
  /** `host:port` of the APIs of nodes that are asked for templates. */
  readonly templatePeers: readonly string[];
}

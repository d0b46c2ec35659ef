import type { SocketAddress } from '../../../config/socket-address.ts';
import type { BatchSettings, TemplateSettings } from './schema.ts';

/** A kind, and its options as its own schema makes them. */
export interface Chosen {
  readonly kind: string;
  readonly options: unknown;
  /** The options as they were written, with secrets: what another process reads again. */
  readonly written: unknown;
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
  readonly enrich: unknown;
  readonly mapping: unknown;
}

/** What a document says. */
export interface PipelinesConfig {
  /** Undefined where it says nothing of it. */
  readonly listen: readonly SocketAddress[] | undefined;
  readonly templates: TemplateSettings;
  readonly pipelines: readonly PipelineSettings[];
}

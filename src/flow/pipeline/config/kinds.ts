import type { ZodType } from 'zod';
import type { ProducerKind } from '../../model/producer.ts';

/** What a document may name, and the options of each; none of them is started for that. */
export interface Kinds {
  /** Options of each format, by its name: strict, with defaults. */
  readonly formats: ReadonlyMap<string, ZodType>;
  // biome-ignore lint/suspicious/noExplicitAny: kinds with options of all types.
  readonly producers: ReadonlyMap<string, ProducerKind<any>>;
  /** Of `enrich` of a pipeline: strict, with defaults. */
  readonly enrich: ZodType;
  /** Of `mapping` of a pipeline: strict. */
  readonly mapping: ZodType;
  /** @throws Error when a format cannot be made of these options, for a pipeline with this mapping */
  tryFormat(name: string, options: unknown, mapping: unknown): void;
}

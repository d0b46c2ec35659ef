import type { ZodType } from 'zod';
import type { Column } from './columns.ts';
import type { EncodedBatch } from './encoded-batch.ts';
import type { FlowBatch } from './flow-batch.ts';

/**
 * Turns rows of flow into messages: JSON, protobuf, CSV, ClickHouse blocks. (vFlow's JSON is written from datagrams,
 * not from rows: it is a consumer of records, see src/flow/decode.)
 */
export interface RowFormat {
  /**
   * Encodes all rows of the batch, in their order.
   *
   * @param recordsPerMessage at most so many rows share a message
   * @returns memory of the format, valid until its next call
   */
  encode(batch: FlowBatch, recordsPerMessage: number): EncodedBatch;
}

export interface RowFormatContext {
  /** Columns of the user's own mapping: those of the batches that will come. */
  readonly extraColumns: readonly Column[];
  /** Whether messages get keys: the exporter's address as text. Then rows of two exporters never share a message. */
  readonly keyed: boolean;
}

/** A format by its name in the configuration of pipelines. */
export interface RowFormatKind<Options> {
  readonly name: string;
  /** Of its part of the configuration: strict, with defaults. */
  readonly options: ZodType<Options>;
  /** Most rows a message when the configuration says nothing; absent: as many as the batch has. */
  readonly recordsPerMessage?: number;
  /** @throws Error whose message says which option is wrong and what to do */
  create(options: Options, context: RowFormatContext): RowFormat;
}

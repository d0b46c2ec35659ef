import type { EncodedBatch } from './encoded-batch.ts';
import type { FlowBatch } from './flow-batch.ts';

/**
 * Turns rows of flow into messages: JSON, protobuf, CSV, ClickHouse blocks. (vFlow's JSON is written from datagrams,
 * not from rows: it is a consumer of records, see src/flow/decode.)
 */
export interface RowFormat {
  /**
   * Encodes all rows of the batch.
   *
   * @param recordsPerMessage at most so many rows share a message
   * @returns memory of the format, valid until its next call
   */
  encode(batch: FlowBatch, recordsPerMessage: number): EncodedBatch;
}

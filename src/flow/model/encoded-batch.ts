import type { FlowProtocol } from './packets.ts';

/** Messages for a producer. The memory is the caller's again when `offer` has returned. */
export interface EncodedBatch {
  /** All messages, one behind the other. */
  readonly bytes: Buffer;
  /** Where each message ends in bytes; the first begins at 0. */
  readonly ends: Uint32Array;
  /**
   * One for each message: what is to stay in order has one key (the exporter); absent where the pipeline wants none.
   * The array is the caller's again, its buffers never change: they are kept while messages wait.
   */
  readonly keys?: readonly Buffer[];
  /** Flow records in all of them: what loss is counted in. */
  readonly records: number;
  /** Of which protocol they are, when all are of one: part of topics (`{protocol}`). */
  readonly protocol?: FlowProtocol;
  /**
   * How files and byte streams tell messages from each other, unless the user wants it otherwise: a newline behind each,
   * its length before it as a varint, or nothing, because each has its length in itself. Lines, when absent.
   */
  readonly framing?: 'lines' | 'varint' | 'none';
  /** What a file or a stream of such messages begins with, once: the header line of CSV. */
  readonly header?: Buffer;
  /** The columns of ClickHouse's blocks: all that there may be, whether or not a block has them. */
  readonly columns?: readonly ClickhouseColumn[];
}

/** A column of a table in ClickHouse. */
export interface ClickhouseColumn {
  readonly name: string;
  readonly type: string;
  /** What it says, with its unit. */
  readonly comment: string;
}

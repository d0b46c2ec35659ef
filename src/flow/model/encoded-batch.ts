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
   * How many octets at the end of each message are for streams alone (a newline): files and byte streams write them,
   * and so may write `bytes` as it stands; producers of messages leave them out. 0 when absent.
   */
  readonly terminator?: number;
  /** What a file or a stream of such messages begins with, once: the header line of CSV. */
  readonly header?: Buffer;
}

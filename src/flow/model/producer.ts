/** What carries encoded flow to where people keep it. A plug-in is an ES module whose default export is a ProducerKind. */
import type { Logger } from 'pino';
import type { ZodType } from 'zod';
import type { EncodedBatch } from './encoded-batch.ts';

export interface ProducerStatus {
  readonly state: 'connecting' | 'ok' | 'failing';
  /** What is wrong, where, and what to do. */
  readonly error?: string;
}

/** Cumulative, in records. Offered + recovered = delivered + failed + dropped + queued, at any time. */
export interface ProducerCounters {
  /** Records that were offered. */
  offered: number;
  /** Records that an earlier process left in the spool. */
  recovered: number;
  /** Records that the peer has, as far as its protocol tells. */
  delivered: number;
  /** Records that the peer refused, or that were given up after all attempts. */
  failed: number;
  /** Records that `offer` did not take: its queue was full. */
  dropped: number;
  /** Attempts that were repeated, in records. */
  retried: number;
  /** Payload octets delivered. */
  bytes: number;
  /** Records that wait, in memory and in the spool. */
  queuedRecords: number;
  /** Octets of them in memory, and on disk. */
  queuedBytes: number;
  spooledBytes: number;
}

export interface Producer {
  /** Begins to connect. A peer that is not there is a state, not an error: it is tried again with growing delays. */
  start(): Promise<void>;
  /** Never blocks or throws. False: the bounded queue is full, and the batch was counted as dropped. */
  offer(batch: EncodedBatch): boolean;
  /** Resolves when all that was offered has an end (delivered or failed), or after the time given. */
  flush(deadlineMs: number): Promise<void>;
  /** Ends within the deadline; what is still queued is counted as failed, or stays in the spool. */
  stop(deadlineMs: number): Promise<void>;
  readonly status: ProducerStatus;
  readonly counters: Readonly<ProducerCounters>;
}

export interface ProducerContext {
  readonly log: Logger;
  /** Name of the pipeline, for client identities and messages. */
  readonly pipeline: string;
  /** Which worker of the pipeline this is, from 0. */
  readonly shard: number;
  /** A folder of this producer's own for its spool; absent without one. */
  readonly spoolFolder?: string;
}

/** A kind of producers: `kafka`, `nats`, … */
export interface ProducerKind<Options> {
  readonly name: string;
  /** Of its part of the pipeline's configuration: strict, with defaults. */
  readonly options: ZodType<Options>;
  /** Formats that it can carry, by name; absent: all of them. */
  readonly formats?: readonly string[];
  create(options: Options, context: ProducerContext): Producer;
}

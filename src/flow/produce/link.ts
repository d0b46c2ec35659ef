/** What a kind of producers writes itself: connect, send this batch, close. All else is of `QueuedProducer`. */
import type { EncodedBatch } from '../model/encoded-batch.ts';

/** What became of a batch that was not taken whole. Messages that neither list names are delivered. */
export interface Outcome {
  /** Indexes of messages that the peer will never take, in ascending order: they count as failed. */
  readonly refused?: readonly number[];
  /** Indexes of messages that are to be sent again after a while, in ascending order. */
  readonly again?: readonly number[];
  /** Why: what happened, where, and what to do. */
  readonly error: Error;
}

/** A connection to a peer that comes and goes. */
export interface Link {
  /**
   * Connects. It is called again after `close`.
   *
   * @throws Error what hinders: it is tried again with growing delays
   */
  connect(signal: AbortSignal): Promise<void>;
  /**
   * Sends all messages, those of one key in their order. Resolves when the peer has them, as far as the protocol
   * tells. One batch at a time.
   *
   * @returns undefined when all are delivered
   * @throws Error the connection is of no use any more: it is closed, made again, and the whole batch sent again
   */
  send(batch: EncodedBatch, signal: AbortSignal): Promise<Outcome | undefined>;
  /** Gives up what there is, connected or not; called after each failure and at the end. Does not throw. */
  close(): Promise<void>;
}

/** What a link tells without being asked. */
export interface LinkEvents {
  /** The connection is gone, also while nothing is being sent. */
  lost(error: Error): void;
}

/** Waits no longer than until the signal: what has been waited for may then go on, and nobody hears of it. */
export function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
  });
}

import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { ProducerCounters } from '../model/producer.ts';

interface Waiter {
  /** How many records must have had their end. */
  readonly settled: number;
  readonly resolve: () => void;
}

/**
 * The accounts of a producer: each record is queued or has one end, at any time. Records have their ends in the order in
 * which they were offered.
 */
export class Accounts {
  readonly counters: ProducerCounters = {
    offered: 0,
    recovered: 0,
    delivered: 0,
    failed: 0,
    dropped: 0,
    retried: 0,
    bytes: 0,
    queuedRecords: 0,
    queuedBytes: 0,
    spooledBytes: 0,
  };
  readonly #waiters = new Set<Waiter>();

  offered(records: number): void {
    this.counters.offered += records;
    this.counters.queuedRecords += records;
  }

  recovered(records: number): void {
    this.counters.recovered += records;
    this.counters.queuedRecords += records;
  }

  dropped(records: number): void {
    this.counters.offered += records;
    this.counters.dropped += records;
  }

  retried(records: number): void {
    this.counters.retried += records;
  }

  delivered({ records, bytes }: EncodedBatch): void {
    this.counters.delivered += records;
    this.counters.bytes += bytes.length;
    this.#settle(records);
  }

  failed(records: number): void {
    this.counters.failed += records;
    this.#settle(records);
  }

  /** Resolves when all that was taken until now has its end, or after the time given. */
  async settled(deadlineMs: number): Promise<void> {
    const { offered, recovered, dropped } = this.counters;
    const settled = offered + recovered - dropped;
    if (this.#settled >= settled) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => waiter.resolve(), deadlineMs);
      const waiter: Waiter = {
        settled,
        resolve: () => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  get #settled(): number {
    return this.counters.delivered + this.counters.failed;
  }

  #settle(records: number): void {
    this.counters.queuedRecords -= records;
    for (const waiter of this.#waiters) if (this.#settled >= waiter.settled) waiter.resolve();
  }
}

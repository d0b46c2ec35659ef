import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { ProducerCounters } from '../model/producer.ts';
import { weightOf } from './batcher.ts';

/** Batches that wait for their peer, in order. Octets in memory are kept in `counters.queuedBytes`. */
export class Backlog {
  readonly #counters: ProducerCounters;
  readonly #queue: EncodedBatch[] = [];
  /** Records of them. */
  memoryRecords = 0;

  constructor(counters: ProducerCounters) {
    this.#counters = counters;
  }

  /** Counts what will be pushed, in batches of another size. */
  enter(offered: EncodedBatch): void {
    this.#count(offered, 1);
  }

  push(batch: EncodedBatch): void {
    this.#queue.push(batch);
  }

  /** The batch whose turn it is; it stays the head until it is removed or replaced. */
  async head(): Promise<EncodedBatch | undefined> {
    return this.#queue[0];
  }

  removeHead(): void {
    const batch = this.#queue.shift();
    if (batch !== undefined) this.#count(batch, -1);
  }

  /** Puts what is left of the head in its place. */
  replaceHead(rest: EncodedBatch): void {
    this.removeHead();
    this.#queue.unshift(rest);
    this.#count(rest, 1);
  }

  /** @returns how many records could not be kept beyond the life of this process */
  async close(): Promise<number> {
    const lost = this.memoryRecords;
    while (this.#queue.length > 0) this.removeHead();
    return lost;
  }

  #count(batch: EncodedBatch, sign: 1 | -1): void {
    this.memoryRecords += sign * batch.records;
    this.#counters.queuedBytes += sign * weightOf(batch);
  }
}

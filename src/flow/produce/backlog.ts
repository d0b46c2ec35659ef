import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { Accounts } from './accounts.ts';
import { weightOf } from './batcher.ts';
import type { Spool } from './spool.ts';

/** Part of the memory beyond which batches go to the disk although the peer is there: it is slow. */
const CROWDED = 0.5;

export interface BacklogParts {
  readonly accounts: Accounts;
  /** Octets that memory is for. */
  readonly memory: number;
  readonly spool: Spool | undefined;
  /** Whether the peer takes batches. */
  readonly connected: () => boolean;
  /** Called when there is something for the peer. */
  readonly ready: () => void;
}

/**
 * Batches that wait for their peer, in order: the one whose turn it is, those in the spool, those in memory. With a spool
 * they go there while the peer is away or slow, or others are there already; without room on the disk they stay in memory.
 */
export class Backlog {
  readonly #parts: BacklogParts;
  #head: { readonly batch: EncodedBatch; readonly spooled: boolean } | undefined;
  readonly #queue: EncodedBatch[] = [];
  #spilling: Promise<void> | undefined;
  /** Of the first one in memory. */
  #moving: Promise<boolean> | undefined;
  /** Records in memory. */
  memoryRecords = 0;

  constructor(parts: BacklogParts) {
    this.#parts = parts;
  }

  /** Finds what an earlier process left. */
  async open(): Promise<void> {
    const { spool, accounts } = this.#parts;
    if (spool === undefined) return;
    accounts.recovered(await spool.open());
    this.#countSpool();
  }

  /** Counts what will be pushed, in batches of another size. */
  enter(offered: EncodedBatch): void {
    this.#countMemory(offered, 1);
  }

  push(batch: EncodedBatch): void {
    this.#queue.push(batch);
    this.spill();
  }

  /** Moves batches from memory to the disk, when they are to be there. */
  spill(): void {
    if (this.#spilling !== undefined || !this.#belongsOnDisk) return;
    this.#spilling = this.#moveAll().finally(() => {
      this.#spilling = undefined;
      this.#parts.ready();
    });
  }

  /** The batch whose turn it is; it stays the head until it is removed or replaced. */
  async head(): Promise<EncodedBatch | undefined> {
    const { spool, accounts } = this.#parts;
    // What is being written to an empty spool comes before what is in memory.
    while (this.#head === undefined && spool?.empty && this.#moving !== undefined) {
      await this.#moving;
    }
    while (this.#head === undefined && spool !== undefined && !spool.empty) {
      const spooled = await spool.read();
      if (spooled === undefined) return undefined;
      if (spooled.batch !== undefined) {
        this.#head = { batch: spooled.batch, spooled: true };
      } else {
        spool.remove();
        this.#countSpool();
        accounts.failed(spooled.records);
      }
    }
    const next = this.#head === undefined ? this.#queue.shift() : undefined;
    if (next !== undefined) this.#head = { batch: next, spooled: false };
    return this.#head?.batch;
  }

  removeHead(): void {
    if (this.#head?.spooled === true) {
      this.#parts.spool?.remove();
      this.#countSpool();
    } else if (this.#head !== undefined) {
      this.#countMemory(this.#head.batch, -1);
    }
    this.#head = undefined;
  }

  /** Puts what is left of the head in its place. On the disk it stays whole until all of it is done with. */
  replaceHead(rest: EncodedBatch): void {
    if (this.#head === undefined) return;
    const { spooled, batch } = this.#head;
    if (!spooled) {
      this.#countMemory(batch, -1);
      this.#countMemory(rest, 1);
    }
    this.#head = { batch: rest, spooled };
  }

  /** Brings all to the disk, where there is a spool. @returns how many records do not survive this process */
  async close(): Promise<number> {
    const { spool } = this.#parts;
    await this.#spilling;
    if (this.#head?.spooled === false && (await spool?.prepend(this.#head.batch)))
      this.removeHead();
    while (this.#queue.length > 0 && (await this.#moveFirst()));
    this.#countSpool();
    await spool?.close();
    const lost = this.memoryRecords;
    if (this.#head?.spooled === false) this.removeHead();
    for (const batch of this.#queue.splice(0)) this.#countMemory(batch, -1);
    return lost;
  }

  get #belongsOnDisk(): boolean {
    const { spool, accounts, memory, connected } = this.#parts;
    if (spool === undefined || this.#queue.length === 0) return false;
    return !spool.empty || !connected() || accounts.counters.queuedBytes > memory * CROWDED;
  }

  async #moveAll(): Promise<void> {
    while (this.#belongsOnDisk) {
      this.#moving = this.#moveFirst();
      const moved = await this.#moving;
      this.#moving = undefined;
      if (!moved) return;
    }
  }

  async #moveFirst(): Promise<boolean> {
    const batch = this.#queue[0] as EncodedBatch;
    if (!(await this.#parts.spool?.append(batch))) return false;
    this.#queue.shift();
    this.#countMemory(batch, -1);
    this.#countSpool();
    return true;
  }

  #countMemory(batch: EncodedBatch, sign: 1 | -1): void {
    this.memoryRecords += sign * batch.records;
    this.#parts.accounts.counters.queuedBytes += sign * weightOf(batch);
  }

  #countSpool(): void {
    this.#parts.accounts.counters.spooledBytes = this.#parts.spool?.waiting ?? 0;
  }
}

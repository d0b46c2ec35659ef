import { type Heap, THREAD_HEAP } from './heap-room.ts';

/** What a heap may hold on to besides what was in use when it was last collected. */
const SPARE_BYTES = 64 * 1024 * 1024;

/** Who makes more than this between two looks is at work. */
const IDLE_BYTES = 4 * 1024 * 1024;

/**
 * Gives memory back to the system that a thread has needed for a while: V8 collects where something is made, and a
 * thread that has taken 100,000 rules and is idle for hours then holds on to hundreds of megabytes. A collection
 * takes some 100 ms with 100,000 rules, so it waits until the thread is idle.
 */
export class SpareMemory {
  readonly #heap: Heap;
  #keptBytes: number;
  #usedBytes: number;

  constructor(heap: Heap = THREAD_HEAP) {
    this.#heap = heap;
    this.#keptBytes = heap.committed();
    this.#usedBytes = heap.used();
  }

  /** To be called every few seconds. */
  look(): void {
    const used = this.#heap.used();
    const isIdle = Math.abs(used - this.#usedBytes) < IDLE_BYTES;
    this.#usedBytes = used;
    if (!isIdle || this.#heap.committed() < this.#keptBytes + SPARE_BYTES) return;
    this.#heap.collect();
    this.#keptBytes = this.#heap.committed();
    this.#usedBytes = this.#heap.used();
  }
}

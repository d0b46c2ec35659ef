import type { KernelConsumer } from '../../../native/kernel-consumer.ts';
import { SETTINGS } from '../../../native/kernel-layout.ts';
import { mapMemory } from '../../../native/memory.ts';

/** So much may be handled while it is counted: then other things have their turn. */
const MAX_BATCHES = 1024;

/** Until no processor runs a program that was switched off meanwhile. */
const SWITCH_OFF_MS = 20;

/** Counts what is in a ring of which nobody makes more. */
export function countAll(consumer: KernelConsumer): void {
  while (consumer.consume() > 0);
}

/**
 * A forwarder's part of what is handled in the kernel: it counts it, and tells when its sockets are empty, so that no packet
 * overtakes one that waits there.
 */
export class KernelWork {
  readonly #consumer: KernelConsumer;
  readonly #index: number;
  readonly #flags: Uint32Array;
  readonly #emptied: BigUint64Array;

  /** @param settings descriptor of the program's settings @param index of the forwarder */
  constructor(consumer: KernelConsumer, settings: number, index: number) {
    const memory = mapMemory(settings, SETTINGS.SIZE, true);
    this.#consumer = consumer;
    this.#index = index;
    this.#flags = new Uint32Array(memory, SETTINGS.FLAGS * 4, 1);
    this.#emptied = new BigUint64Array(memory);
  }

  /** Counts what has been handled. @returns false when there may be more */
  count(): boolean {
    for (let i = 0; i < MAX_BATCHES; i++) if (this.#consumer.consume() === 0) return true;
    return false;
  }

  /** @param atNs before the sockets were looked at, on CLOCK_MONOTONIC */
  foundEmpty(atNs: bigint): void {
    Atomics.store(this.#emptied, SETTINGS.EMPTY_NS / 2 + this.#index, atNs);
  }

  /** Nobody counts here any more: packets take the sockets from now on. */
  end(): void {
    Atomics.store(this.#flags, 0, 0);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SWITCH_OFF_MS);
    while (!this.count());
  }
}

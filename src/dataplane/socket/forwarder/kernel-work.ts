import type { KernelConsumer } from '../../../native/kernel-consumer.ts';
import { SETTINGS } from '../../../native/kernel-layout.ts';
import { mapMemory } from '../../../native/memory.ts';

/** A record that is being written is there after some of them, unless who writes it has no processor. */
const MOST_LOOKS = 100_000;

/** Until no processor runs a program that was switched off meanwhile. */
const SWITCH_OFF_MS = 20;

/** Counts all that has been handled so far, also what is just being written. */
export function countAll(consumer: KernelConsumer): void {
  for (let looks = 0; looks < MOST_LOOKS; looks++) if (consumer.consumeAll()) return;
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

  /** Counts what has been handled, but for what is just being written. */
  count(): void {
    this.#consumer.consumeAll();
  }

  /** Counts all that has been handled so far. */
  countAll(): void {
    countAll(this.#consumer);
  }

  /** @param atNs before the sockets were looked at, on CLOCK_MONOTONIC */
  foundEmpty(atNs: bigint): void {
    Atomics.store(this.#emptied, SETTINGS.EMPTY_NS / 2 + this.#index, atNs);
  }

  /** Nobody counts here any more: packets take the sockets from now on. */
  end(): void {
    Atomics.store(this.#flags, 0, 0);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SWITCH_OFF_MS);
    this.countAll();
  }
}

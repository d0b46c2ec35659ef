import { type Addon, addon, type ConsumerHandle, type SenderHandle } from './addon.ts';
import { SystemCallError } from './system-call.ts';

export interface KernelConsumerOptions {
  readonly sender: SenderHandle;
  /** Descriptor of a ring, and its bytes. */
  readonly ringFd: number;
  readonly ringBytes: number;
  /** Memory of the forwarder that is counted in, and where in it are these. */
  readonly counters: ArrayBuffer;
  readonly journalByteOffset: number;
  readonly leftOutByteOffset: number;
  readonly leftOutCount: number;
  /** By listener: its row in the memory (LISTENER_ROWS). */
  readonly listenerRows: Uint8Array;
}

/** Counts what the program in the kernel has handled, as if a forwarder had (native/include/kernel_engine.h). */
export class KernelConsumer {
  readonly #addon: Addon;
  readonly #handle: ConsumerHandle;

  /** Finishes what another process was counting when it ended. @throws SystemCallError */
  constructor(options: KernelConsumerOptions) {
    this.#addon = addon();
    const handle = this.#addon.consumerCreate(
      options.sender,
      options.ringFd,
      options.ringBytes,
      options.counters,
      options.journalByteOffset,
      options.leftOutByteOffset,
      options.leftOutCount,
      options.listenerRows,
    );
    if (typeof handle === 'number') throw new SystemCallError('KernelConsumer', -handle);
    this.#handle = handle;
  }

  /**
   * Counts what is there when it is called. Not between receive() and send().
   *
   * @returns false when a record was still being written: it is left, with those behind it
   */
  consumeAll(): boolean {
    return this.#addon.consumeAll(this.#handle) !== 0;
  }
}

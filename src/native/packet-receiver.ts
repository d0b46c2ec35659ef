import { type Addon, addon, type ReceiverHandle } from './addon.ts';
import { checkFd, checkInteger } from './arguments.ts';
import { COUNTERS } from './layout.ts';
import type { PacketBatch } from './packet-batch.ts';
import { check, SystemCallError } from './system-call.ts';

export interface PacketReceiverOptions {
  /** UDP socket of openReceiver(). */
  readonly fd: number;
  /**
   * Whether datagrams to a broadcast or multicast address are taken: the kernel gives them to every socket of
   * a port, so that one of them has to (spec R2).
   */
  readonly takesGroup: boolean;
  /** Row of its address among the counters (struct pio_listener); default 0. */
  readonly listener?: number;
  /** Several receivers may share one. */
  readonly batch: PacketBatch;
  /** Starts with COUNTERS.SIZE of counters. */
  readonly counters: ArrayBuffer;
}

/** Receives batches of packets from one socket (native/include/pio.h). Ends with its process. */
export class PacketReceiver {
  readonly #addon: Addon;
  readonly #handle: ReceiverHandle;

  /**
   * @throws RangeError for options out of range, SystemCallError when there is no memory, ENOTSOCK or EBADF
   *   for a descriptor that is no socket
   */
  constructor({ fd, takesGroup, listener = 0, batch, counters }: PacketReceiverOptions) {
    checkFd(fd);
    checkInteger('bytes of counters', counters.byteLength, COUNTERS.SIZE, Number.MAX_SAFE_INTEGER);
    this.#addon = addon();
    const handle = this.#addon.receiverCreate(
      fd,
      Number(takesGroup),
      batch.size,
      batch.payloadBytes,
      batch.payloadStride,
      batch.packets,
      batch.payloads,
      counters,
      listener,
    );
    if (typeof handle === 'number') throw new SystemCallError('PacketReceiver', -handle);
    this.#handle = handle;
  }

  /**
   * Takes packets without waiting and fills packets[0..n) of the batch.
   *
   * @returns n, 0 when nothing waits, or a negative errno, which is counted already
   */
  receive(): number {
    return this.#addon.receive(this.#handle);
  }

  /**
   * Calls back once per turn of the event loop while datagrams wait. What the callback throws is an
   * uncaught exception.
   *
   * @param callback returns for how many milliseconds it need not be called, whatever comes; it is called then, also
   *   when nothing has come. 0 or undefined = while datagrams wait
   * @throws SystemCallError EALREADY when it is polling
   */
  startPolling(callback: () => number | undefined): void {
    check('startPolling', this.#addon.startPolling(this.#handle, callback));
  }

  /** Nothing is called back after this. */
  stopPolling(): void {
    this.#addon.stopPolling(this.#handle);
  }
}

import { messageOf } from '../../../base/errors.ts';
import type { DatagramWalker } from '../../decode/datagram-walker.ts';
import type { Packets } from '../../model/packets.ts';
import type { CrashFolder } from './crash-folder.ts';
import type { SeldomLog } from './seldom-log.ts';

/**
 * A walker that goes on whatever happens: a datagram at which the inner one fails by a fault of its own is counted, kept
 * for a report and told, and the next one is decoded.
 */
export class GuardedWalker implements DatagramWalker {
  /** Datagrams at which the inner one failed. */
  failed = 0;
  readonly #inner: DatagramWalker;
  readonly #folder: CrashFolder;
  readonly #seldom: SeldomLog;

  constructor(inner: DatagramWalker, folder: CrashFolder, seldom: SeldomLog) {
    this.#inner = inner;
    this.#folder = folder;
    this.#seldom = seldom;
  }

  datagram(packets: Packets, index: number): void {
    try {
      this.#inner.datagram(packets, index);
    } catch (error) {
      this.#fail(packets, index, error);
    }
  }

  endBatch(): void {
    try {
      this.#inner.endBatch();
    } catch (error) {
      this.failed++;
      const stack = error instanceof Error ? error.stack : undefined;
      this.#seldom.error(
        { error: messageOf(error), stack },
        'a batch of datagrams could not be completed by a fault of the decoder: please report it',
      );
    }
  }

  #fail(packets: Packets, index: number, error: unknown): void {
    this.failed++;
    const stack = error instanceof Error ? error.stack : undefined;
    const details = { error: messageOf(error), stack, file: this.#keep(packets, index) };
    this.#seldom.error(
      details,
      'a datagram could not be decoded by a fault of the decoder: please report it, with the file',
    );
  }

  #keep(packets: Packets, index: number): string | undefined {
    try {
      return this.#folder.keep(packets, index);
    } catch (error) {
      this.#seldom.warn({ error: messageOf(error) }, 'a datagram could not be kept for a report');
      return undefined;
    }
  }
}

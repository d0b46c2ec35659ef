import { socketDrops } from '../../native/sockets.ts';

/** Datagrams that the kernel dropped at a socket. It counts modulo 2^32: read at least now and then. */
export class KernelDrops {
  #fd: number | undefined;
  #last = 0;
  #total = 0n;

  constructor(fd: number) {
    this.#fd = fd;
  }

  read(): bigint {
    if (this.#fd === undefined) return this.#total;
    const drops = socketDrops(this.#fd);
    this.#total += BigInt((drops - this.#last) >>> 0);
    this.#last = drops;
    return this.#total;
  }

  /** Reads for the last time: the socket is about to be closed. */
  close(): void {
    this.read();
    this.#fd = undefined;
  }
}

/** Datagrams that the kernel dropped at a socket. It counts modulo 2^32: read at least now and then. */
export class KernelDrops {
  #read: (() => number) | undefined;
  #last = 0;
  #total = 0n;

  /** @param read what the kernel has counted (native/sockets.ts, socketDrops()) */
  constructor(read: () => number) {
    this.#read = read;
  }

  read(): bigint {
    if (this.#read === undefined) return this.#total;
    const drops = this.#read();
    this.#total += BigInt((drops - this.#last) >>> 0);
    this.#last = drops;
    return this.#total;
  }

  /** Reads for the last time: the socket is about to be closed. */
  close(): void {
    this.read();
    this.#read = undefined;
  }
}

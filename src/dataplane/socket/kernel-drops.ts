import { socketDrops } from '../../native/packet-io.ts';

/** Datagrams that the kernel dropped at a socket. It counts modulo 2^32: read at least now and then. */
export class KernelDrops {
  readonly #fd: number;
  #last = 0;
  #total = 0n;

  constructor(fd: number) {
    this.#fd = fd;
  }

  read(): bigint {
    const drops = socketDrops(this.#fd);
    this.#total += BigInt((drops - this.#last) >>> 0);
    this.#last = drops;
    return this.#total;
  }
}

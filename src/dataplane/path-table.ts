import type { Endpoint } from '../model/endpoint.ts';

/** Where copies leave by, and to whom: the path table (native/include/paths.h), as tables of rules name its rows. */
export interface PathTable {
  /** Descriptor of its memory, for reading. */
  readonly readOnlyFd: number;
  /** Another memory has the same from now on. */
  copyTo(memory: ArrayBuffer): void;
  /** The index of the path to a collector; 0: it has none. What was asked for stays as it is. */
  indexOf(collector: Endpoint): number;
  /** Copies to this socket of this host have a path from now on, by loopback. Once. */
  leadBack(endpoint: Endpoint): void;
  /** Many of its rows are those of collectors that are gone: the next table is better made anew. */
  readonly isCrowded: boolean;
  /** A table is made anew: it asks for all that it names. */
  renew(): void;
  /** Packets are moved by the table that was made last, and no others: what it did not ask for is free. */
  settle(): void;
}

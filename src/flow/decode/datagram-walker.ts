import type { Packets } from '../model/packets.ts';

/** Decodes datagrams of one kind, in whatever state they are: it never throws for what the network sent. */
export interface DatagramWalker {
  /** @param index which one of the batch */
  datagram(packets: Packets, index: number): void;
  /** The batch is decoded: its memory is the source's again. */
  endBatch(): void;
}

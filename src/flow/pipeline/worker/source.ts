import type { Packets } from '../../model/packets.ts';

/** Where a worker has its datagrams from: a ring (RingReader), in tests a list. */
export interface PacketSource {
  /**
   * Fills `packets` with what waits, as far as there is room; never waits. The batch before it counts as finished.
   *
   * @returns how many there are
   */
  take(packets: Packets): number;
  /** After take(): more can be taken at once. */
  readonly hasMore: boolean;
  /** The batch that was taken last is finished. */
  done(): void;
}

/** What a worker inherits, in this order: before them are the standard streams and the channel to control. */
const FIRST_FD = 4;

export interface RingDescriptors {
  /** The ring itself; reading is enough. */
  readonly ring: number;
  /** What its readers keep; writable. */
  readonly states: number;
}

export interface WorkerDescriptors {
  /** Rows of counters (worker-row.ts). */
  readonly rows: number;
  /** Which shard takes an exporter: 256 bytes (RingReader). */
  readonly shardOfSlot: number;
  readonly rings: readonly RingDescriptors[];
}

export function toList({ rows, shardOfSlot, rings }: WorkerDescriptors): number[] {
  return [rows, shardOfSlot, ...rings.flatMap(({ ring, states }) => [ring, states])];
}

/** In the worker. */
export function inheritedDescriptors(rings: number): WorkerDescriptors {
  return {
    rows: FIRST_FD,
    shardOfSlot: FIRST_FD + 1,
    rings: Array.from({ length: rings }, (_, i) => ({
      ring: FIRST_FD + 2 + i * 2,
      states: FIRST_FD + 3 + i * 2,
    })),
  };
}

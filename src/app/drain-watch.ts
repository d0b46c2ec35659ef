/** Where a drain is: packets still come; they have stopped coming; they still came when time was up. */
export type DrainState = 'draining' | 'drained' | 'limit reached';

/** So long must no packet have come before a node counts as drained. */
export const QUIET_MS = 1_000;

/**
 * A drain takes at least this long: an announcer with its default settings needs a second to see it, and a node
 * without traffic would be gone before the network knows.
 */
export const MIN_DRAIN_MS = 2_000;

/** Tells from a growing number of packets when a drain is at its end. Times are milliseconds of one clock. */
export class DrainWatch {
  readonly #startMs: number;
  readonly #limitMs: number;
  #packets: bigint | undefined;
  #lastGrowthMs: number;

  /** @param limitMs how long to wait for the packets to stop */
  constructor(startMs: number, limitMs: number) {
    this.#startMs = startMs;
    this.#limitMs = limitMs;
    this.#lastGrowthMs = startMs;
  }

  /** @param packets received so far */
  observe(packets: bigint, nowMs: number): DrainState {
    if (this.#packets === undefined) this.#packets = packets;
    if (packets > this.#packets) {
      this.#packets = packets;
      this.#lastGrowthMs = nowMs;
    }
    const elapsedMs = nowMs - this.#startMs;
    const quietMs = nowMs - this.#lastGrowthMs;
    if (elapsedMs >= MIN_DRAIN_MS && quietMs >= QUIET_MS) return 'drained';
    return elapsedMs >= this.#limitMs ? 'limit reached' : 'draining';
  }
}

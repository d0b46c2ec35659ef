/** When to look for datagrams again: at once while there are some, then soon, then seldom. */

/** So long after traffic it is looked every millisecond. */
const RECENT_MS = 50;
const RECENT_WAIT_MS = 1;
/** After that the wait grows with how long nothing has come, up to this. */
const MAX_WAIT_MS = 20;
const IDLE_PART = 20;
/** Nothing has come for so long: a batch that is not full goes out. */
const IDLE_MS = 10;

export class Pace {
  #lastTrafficMs = 0;
  #batchSinceMs: number | undefined;
  readonly #maxDelayMs: number;

  /** @param maxDelayMs a batch goes out so long after its first row */
  constructor(maxDelayMs: number) {
    this.#maxDelayMs = maxDelayMs;
  }

  /** Datagrams have come. */
  traffic(nowMs: number): void {
    this.#lastTrafficMs = nowMs;
  }

  /** Whether datagrams have come just now. */
  isBusy(nowMs: number): boolean {
    return nowMs - this.#lastTrafficMs < RECENT_MS;
  }

  /** Whether a batch with so many rows is to go out. Asked after every look. */
  isDue(rows: number, nowMs: number): boolean {
    if (rows === 0) {
      this.#batchSinceMs = undefined;
      return false;
    }
    this.#batchSinceMs ??= nowMs;
    const isDue =
      nowMs - this.#lastTrafficMs >= IDLE_MS || nowMs - this.#batchSinceMs >= this.#maxDelayMs;
    if (isDue) this.#batchSinceMs = undefined;
    return isDue;
  }

  /** How long to wait when there is nothing. */
  waitMs(nowMs: number): number {
    const idleMs = nowMs - this.#lastTrafficMs;
    if (idleMs < RECENT_MS) return RECENT_WAIT_MS;
    return Math.min(MAX_WAIT_MS, Math.max(5, Math.ceil(idleMs / IDLE_PART)));
  }
}

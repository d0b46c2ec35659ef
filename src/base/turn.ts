import { setImmediate } from 'node:timers/promises';

/** Work goes on for so long before the process does other things. */
const TURN_MS = 5;

/** Shares the process between long work and everything else: `if (turn.isOver) await turn.next();` */
export class Turn {
  #endMs = performance.now() + TURN_MS;

  get isOver(): boolean {
    return performance.now() >= this.#endMs;
  }

  /** Lets the process do what waits. */
  async next(): Promise<void> {
    await setImmediate();
    this.#endMs = performance.now() + TURN_MS;
  }
}

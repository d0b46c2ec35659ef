/** Work goes on for so long before the process does other things. */
const TURN_MS = 5;

/** Who waits for a turn, in the order in which they came. */
const waiting: (() => void)[] = [];

/**
 * Shares the process between long work and everything else: `if (turn.isOver) await turn.next();`
 *
 * However many do long work at once, one of them has a turn, then the process does what else there is, then the
 * next one: packets of the network, timers and small calls wait for one turn at most.
 */
export class Turn {
  #endMs = performance.now() + TURN_MS;

  get isOver(): boolean {
    return performance.now() >= this.#endMs;
  }

  /** Lets the process do what waits. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 1) setImmediate(giveTurn);
    });
    this.#endMs = performance.now() + TURN_MS;
  }
}

function giveTurn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(giveTurn);
}

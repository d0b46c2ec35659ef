/** So many tests in a row that failed: what the program handles does not arrive. */
const MISSES_UNTIL_FAILURE = 3;

/** What became of the test datagrams to one address. */
export interface TestOutcome {
  /** The program says that it has handled all of them. */
  readonly areHandled: boolean;
  /** One came. */
  readonly cameBack: boolean;
  /** Those came that were sent to the same socket, by the same interface, without the program. */
  readonly isWayFree: boolean;
}

/**
 * Judges by test datagrams whether packets that the program handles arrive. What it did not handle says nothing, sockets would
 * have got it; nor does what is lost where others are lost too, as in an overload, or by a firewall.
 */
export class KernelVerdict {
  #misses = 0;
  #isKnown = false;

  /** A test is over, whatever it said. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  get isFailing(): boolean {
    return this.#misses >= MISSES_UNTIL_FAILURE;
  }

  take({ areHandled, cameBack, isWayFree }: TestOutcome): void {
    const isMiss = areHandled && !cameBack && isWayFree;
    if (isMiss) this.#misses++;
    else if (cameBack) this.#misses = 0;
    // A first miss alone does not say which.
    if (!isMiss || this.isFailing) this.#isKnown = true;
  }
}

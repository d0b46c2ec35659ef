/** When a proxy counts as well, and when as ill. Times are milliseconds of one clock that never goes back. */
export interface JudgeSettings {
  /** So many bad observations in a row make it ill. */
  readonly fall: number;
  /** So many good observations in a row make it well. */
  readonly rise: number;
  /** Falls beyond this many within flapWindowMs are flapping. */
  readonly maxFalls: number;
  readonly flapWindowMs: number;
  /** A flapping proxy is kept out this long, and this much longer each further time; 0 = never. */
  readonly holdStepMs: number;
  readonly holdMaxMs: number;
}

/** One look at the proxy. */
export interface Observation {
  readonly isGood: boolean;
  /** What was seen, for the log. */
  readonly reason: string;
}

/** A change of mind. */
export type Verdict =
  | { readonly kind: 'well' }
  /** holdMs: how long it is kept out whatever is observed; 0 = until it is well. */
  | { readonly kind: 'ill'; readonly reason: string; readonly holdMs: number };

/**
 * Turns a series of observations into verdicts. It has no opinion until the first threshold is reached, so that
 * a judge that starts beside a proxy at work disturbs nothing.
 *
 * Falls are counted by the window while the proxy flaps freely. Once it is held down, falls are too far apart
 * for that: then each fall within a window after its return lengthens the hold, and a longer stay ends it.
 */
export class HealthJudge {
  readonly #settings: JudgeSettings;
  #isWell: boolean | undefined;
  /** Observations in a row that speak for the same; negative for bad ones. */
  #streak = 0;
  #falls: readonly number[] = [];
  #holdMs = 0;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #wellSinceMs = Number.NEGATIVE_INFINITY;

  constructor(settings: JudgeSettings) {
    this.#settings = settings;
  }

  /** undefined: no threshold has been reached yet. */
  get isWell(): boolean | undefined {
    return this.#isWell;
  }

  /** @returns the new verdict when there is one */
  observe({ isGood, reason }: Observation, nowMs: number): Verdict | undefined {
    if (isGood) this.#streak = Math.max(0, this.#streak) + 1;
    else this.#streak = Math.min(0, this.#streak) - 1;
    if (this.#isWell !== true && this.#mayRise(nowMs)) {
      this.#isWell = true;
      this.#wellSinceMs = nowMs;
      return { kind: 'well' };
    }
    if (this.#isWell === false || -this.#streak < this.#settings.fall) return undefined;
    const hasFallen = this.#isWell === true;
    this.#isWell = false;
    if (hasFallen) this.#countFall(nowMs);
    return { kind: 'ill', reason, holdMs: hasFallen ? this.#holdMs : 0 };
  }

  #mayRise(nowMs: number): boolean {
    return this.#streak >= this.#settings.rise && nowMs >= this.#heldUntilMs;
  }

  #countFall(nowMs: number): void {
    const { maxFalls, flapWindowMs, holdStepMs, holdMaxMs } = this.#settings;
    this.#falls = [...this.#falls.filter((at) => nowMs - at < flapWindowMs), nowMs];
    const wasHeld = this.#holdMs > 0;
    const flaps = wasHeld
      ? nowMs - this.#wellSinceMs < flapWindowMs
      : this.#falls.length > maxFalls;
    this.#holdMs = flaps ? Math.min(holdMaxMs, this.#holdMs + holdStepMs) : 0;
    if (this.#holdMs > 0) this.#heldUntilMs = nowMs + this.#holdMs;
  }
}

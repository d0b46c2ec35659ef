import type { HealthState } from '../model/collector-health.ts';
import type { Outcome } from './checks/check.ts';

export interface VerdictSettings {
  readonly rise: number;
  readonly fall: number;
}

/** What a series of checks says of a collector (spec H2). */
export class Verdict {
  readonly #settings: VerdictSettings;
  #state: HealthState;
  /** Outcomes in a row that speak against the state. */
  #against = 0;
  /** Checks in a row that could not be made. */
  #impossible = 0;

  /** @param isDown what is known of it from before */
  constructor(settings: VerdictSettings, isDown: boolean) {
    this.#settings = settings;
    this.#state = isDown ? 'down' : 'unknown';
  }

  get state(): HealthState {
    return this.#state;
  }

  /** Failed checks in a row have not taken it down yet. */
  get isFailing(): boolean {
    return this.#state !== 'down' && this.#against > 0;
  }

  /** @returns whether the state is another one now */
  take({ kind }: Outcome): boolean {
    const before = this.#state;
    if (kind === 'impossible') this.#takeImpossible();
    else this.#take(kind === 'good');
    return this.#state !== before;
  }

  #take(isGood: boolean): void {
    const { rise, fall } = this.#settings;
    this.#impossible = 0;
    if (isGood === (this.#state !== 'down')) {
      this.#against = 0;
      if (isGood) this.#state = 'up';
      return;
    }
    this.#against++;
    if (this.#against < (isGood ? rise : fall)) return;
    this.#state = isGood ? 'up' : 'down';
    this.#against = 0;
  }

  /** What nobody can look at is not kept out for long, and not taken out. */
  #takeImpossible(): void {
    this.#impossible++;
    if (this.#impossible < this.#settings.fall) return;
    this.#state = 'unknown';
    this.#against = 0;
  }
}

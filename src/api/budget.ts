import { FloxyError } from '../base/errors.ts';

/** What was taken from a budget; goes back when it is disposed of, for the first time. */
export interface Share extends Disposable {
  /** Gives back what is more than the amount. */
  shrinkTo(amount: number): void;
}

export interface BudgetOptions {
  readonly limit: number;
  /** Who has waited so long is refused. */
  readonly waitLimitMs: number;
  /** For the refusal: what there is not enough of, such as `requests that are being received`. */
  readonly of: string;
}

interface Waiting {
  readonly amount: number;
  readonly begin: () => void;
}

/**
 * Something that all callers share, such as memory or processor time: who wants some of it waits until there is
 * enough, in the order of asking.
 */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #waiting = new Set<Waiting>();
  #used = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * @param amount what is more than the whole budget gets all of it
   * @param signal ends the waiting
   * @throws FloxyError LIMIT_EXCEEDED after the longest wait, NOT_READY when the signal came
   */
  async take(amount: number, signal: AbortSignal): Promise<Share> {
    if (signal.aborted) throw gone();
    if (this.#waiting.size > 0 || !this.#fits(amount)) await this.#wait(amount, signal);
    else this.#used += amount;
    return this.#share(amount);
  }

  /** Takes at once what is there already and has to be counted. */
  charge(amount: number): Share {
    this.#used += amount;
    return this.#share(amount);
  }

  /** Waits until somebody could take something. @throws FloxyError as take() does */
  async room(signal: AbortSignal): Promise<void> {
    using _share = await this.take(1, signal);
  }

  #share(first: number): Share {
    let taken = first;
    const giveBack = (amount: number) => {
      taken -= amount;
      this.#used -= amount;
      this.#serve();
    };
    return {
      shrinkTo: (amount) => giveBack(Math.max(0, taken - amount)),
      [Symbol.dispose]: () => giveBack(taken),
    };
  }

  /** Resolves when the amount has been taken. */
  #wait(amount: number, signal: AbortSignal): Promise<void> {
    const { limit, waitLimitMs, of } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { amount, begin: resolve };
    this.#waiting.add(waiting);
    const giveUp = () => reject(gone());
    signal.addEventListener('abort', giveUp);
    const timer = setTimeout(() => {
      const message = `too much is going on: ${this.#used} of ${limit} ${of} are in use; try again`;
      reject(new FloxyError('LIMIT_EXCEEDED', message));
    }, waitLimitMs);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      this.#waiting.delete(waiting);
      this.#serve();
    });
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      if (!this.#fits(waiting.amount)) return;
      this.#waiting.delete(waiting);
      this.#used += waiting.amount;
      waiting.begin();
    }
  }

  #fits(amount: number): boolean {
    return this.#used === 0 || this.#used + amount <= this.#options.limit;
  }
}

function gone(): FloxyError {
  return new FloxyError('NOT_READY', 'the client has gone');
}

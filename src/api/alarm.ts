/** Wakes who answers a stream: when there is something new, when time is up, or when the stream ends. */
export class Alarm {
  readonly #signal: AbortSignal;
  readonly #endListening: () => void;
  #isRinging = false;
  #wake: () => void = () => undefined;

  /**
   * @param listen has it called when there is something new; returns what ends that
   * @param signal the stream ends
   */
  constructor(listen: (ring: () => void) => () => void, signal: AbortSignal) {
    this.#signal = signal;
    this.#endListening = listen(() => this.#ring());
    signal.addEventListener('abort', () => this.#ring(), { once: true });
  }

  /** What rang until now is known. */
  reset(): void {
    this.#isRinging = this.#signal.aborted;
  }

  /** @param limitMs without it, time is never up */
  async wait(limitMs?: number): Promise<void> {
    if (this.#isRinging) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = limitMs === undefined ? undefined : setTimeout(resolve, limitMs);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  end(): void {
    this.#endListening();
  }

  #ring(): void {
    this.#isRinging = true;
    this.#wake();
  }
}

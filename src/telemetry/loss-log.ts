import type { Logger } from 'pino';
import { type Losses, lossesSince, sumLosses } from './losses.ts';
import type { ForwarderStatus } from './status.ts';

/** Says in the log, one line per kind, which losses have grown since the last call. */
export class LossLog {
  readonly #log: Logger;
  #last: Losses = new Map();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What was lost until now is known already: the counters were taken over from an earlier control. */
  skip(forwarders: readonly ForwarderStatus[]): void {
    this.#last = sumLosses(forwarders);
  }

  report(forwarders: readonly ForwarderStatus[]): void {
    const losses = sumLosses(forwarders);
    for (const { kind, packets, advice } of lossesSince(this.#last, losses)) {
      const total = `${losses.get(kind)?.packets}`;
      this.#log.warn({ kind, packets: `${packets}`, total, advice }, 'packets lost');
    }
    this.#last = losses;
  }
}

import type { Logger } from 'pino';
import { FORWARDER_COUNTERS } from './catalogue.ts';
import type { ForwarderStatus } from './status.ts';

/** What was lost in one way. */
interface Loss {
  packets: bigint;
  readonly advice: string;
}

/** By name. */
type Losses = ReadonlyMap<string, Loss>;

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
    for (const [kind, { packets: total, advice }] of losses) {
      const grown = total - (this.#last.get(kind)?.packets ?? 0n);
      if (grown > 0n)
        this.#log.warn({ kind, packets: `${grown}`, total: `${total}`, advice }, 'packets lost');
    }
    this.#last = losses;
  }
}

/** Truncated packets are forwarded, but cut: a loss all the same. Drops by rule are wanted: none. */
function sumLosses(forwarders: readonly ForwarderStatus[]): Losses {
  const sums = new Map<string, Loss>();
  const add = (kind: string, packets: bigint, advice: string) => {
    const sum = sums.get(kind);
    if (sum === undefined) sums.set(kind, { packets, advice });
    else sum.packets += packets;
  };
  for (const row of FORWARDER_COUNTERS) {
    if (!('loss' in row)) continue;
    for (const forwarder of forwarders) {
      if (row.kind === 'count') add(row.loss, forwarder[row.key], row.advice);
      else {
        for (const { code, count } of forwarder[row.key]) {
          add(`${row.loss} ${code}`, count, row.advice);
        }
      }
    }
  }
  return sums;
}

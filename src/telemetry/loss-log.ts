import type { Logger } from 'pino';
import type { ForwarderStatus } from '../model/status.ts';

type LossCounts = Readonly<Record<string, bigint>>;

/** Says in the log, one line per kind, which losses have grown since the last call. */
export class LossLog {
  readonly #log: Logger;
  #last: LossCounts = {};

  constructor(log: Logger) {
    this.#log = log;
  }

  report(forwarders: readonly ForwarderStatus[]): void {
    const counts = sumLosses(forwarders);
    for (const [kind, total] of Object.entries(counts)) {
      const grown = total - (this.#last[kind] ?? 0n);
      if (grown > 0n)
        this.#log.warn({ kind, packets: `${grown}`, total: `${total}` }, 'packets lost');
    }
    this.#last = counts;
  }
}

/** Truncated packets are forwarded, but cut: a loss all the same. Drops by rule are wanted: none. */
function sumLosses(forwarders: readonly ForwarderStatus[]): LossCounts {
  const sums: Record<string, bigint> = {};
  const add = (kind: string, count: bigint) => {
    sums[kind] = (sums[kind] ?? 0n) + count;
  };
  for (const forwarder of forwarders) {
    add('kernel drops', forwarder.kernelDrops);
    add('truncated', forwarder.truncated);
    add('no eligible collector', forwarder.noEligibleCollector);
    for (const { code, count } of forwarder.sendErrors) add(`send error ${code}`, count);
    for (const { code, count } of forwarder.receiveErrors) add(`receive error ${code}`, count);
  }
  return sums;
}

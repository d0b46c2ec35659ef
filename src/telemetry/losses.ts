import { FORWARDER_COUNTERS } from './catalogue.ts';
import type { ForwarderCounters } from './status.ts';

/** What was lost in one way. */
export interface Loss {
  /** `kernel drops`, `send error ENETUNREACH`. */
  readonly kind: string;
  readonly packets: bigint;
  /** What helps against it. */
  readonly advice: string;
}

/** By kind. */
export type Losses = ReadonlyMap<string, Loss>;

/**
 * What all forwarders together have lost, by the catalogue of counters. Truncated packets are forwarded, but cut: a
 * loss all the same. Drops by rule are wanted: none.
 */
export function sumLosses(forwarders: readonly ForwarderCounters[]): Losses {
  const sums = new Map<string, Loss>();
  const add = (kind: string, packets: bigint, advice: string) => {
    const before = sums.get(kind)?.packets ?? 0n;
    sums.set(kind, { kind, packets: before + packets, advice });
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

/** What was lost since, most first. */
export function lossesSince(before: Losses, losses: Losses): Loss[] {
  return [...losses.values()]
    .map((loss) => ({ ...loss, packets: loss.packets - (before.get(loss.kind)?.packets ?? 0n) }))
    .filter(({ packets }) => packets > 0n)
    .sort((one, other) => Number(other.packets - one.packets));
}

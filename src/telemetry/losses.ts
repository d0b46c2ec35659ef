import { FORWARDER_COUNTERS, type KnownCounter } from './catalogue.ts';
import { sendErrorAdvice } from './send-errors.ts';
import type { ForwarderCounters } from './status.ts';

/** What was lost in one way. */
export interface Loss {
  /** `kernel drops`, `send error ENETUNREACH`. */
  readonly kind: string;
  readonly packets: bigint;
  /** What helps against it. */
  readonly advice: string;
  /** The counter of the catalogue, and of errors the errno: `ENETUNREACH`. */
  readonly key: KnownCounter['key'];
  readonly code?: string;
}

/** By kind. */
export type Losses = ReadonlyMap<string, Loss>;

/**
 * What all forwarders together have lost, by the catalogue of counters. Truncated packets are forwarded, but cut: a
 * loss all the same. Drops by rule are wanted: none.
 */
export function sumLosses(forwarders: readonly ForwarderCounters[]): Losses {
  const sums = new Map<string, Loss>();
  for (const loss of forwarders.flatMap(lossesOf)) {
    const before = sums.get(loss.kind)?.packets ?? 0n;
    sums.set(loss.kind, { ...loss, packets: before + loss.packets });
  }
  return sums;
}

function lossesOf(forwarder: ForwarderCounters): Loss[] {
  return FORWARDER_COUNTERS.flatMap((row): Loss[] => {
    if (!('loss' in row)) return [];
    const { key, loss, advice } = row;
    if (row.kind === 'count') return [{ kind: loss, packets: forwarder[row.key], advice, key }];
    return forwarder[row.key].map(({ code, count }) => {
      const own = key === 'sendErrors' ? sendErrorAdvice(code) : undefined;
      return { kind: `${loss} ${code}`, packets: count, advice: own ?? advice, key, code };
    });
  });
}

/** What was lost since, most first. */
export function lossesSince(before: Losses, losses: Losses): Loss[] {
  return [...losses.values()]
    .map((loss) => ({ ...loss, packets: loss.packets - (before.get(loss.kind)?.packets ?? 0n) }))
    .filter(({ packets }) => packets > 0n)
    .sort((one, other) => Number(other.packets - one.packets));
}

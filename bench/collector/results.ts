import { median } from '../statistics.ts';
import type { Round } from './protocol.ts';
import type { Target } from './targets.ts';

export interface CollectorMeasured {
  readonly id: string;
  readonly description: string;
  readonly unit: string;
  readonly rounds: readonly Round[];
  /** Instead of rounds: why there are none. */
  readonly skipped?: string;
}

export interface CollectorResults {
  readonly measured: readonly CollectorMeasured[];
}

/** What was found for a target: the median of the turns; NaN when it was not measured. */
export function targetValue(target: Target, { measured }: CollectorResults): number {
  const find = (id: string) => measured.find((other) => other.id === id)?.rounds ?? [];
  const ours = find(target.of).map((round) => pick(round, target.figure));
  const theirs = target.over === undefined ? undefined : find(target.over).map(perCpuSecond);
  return median(
    theirs === undefined ? ours : ours.map((own, i) => own / (theirs[i] ?? Number.NaN)),
  );
}

export function perCpuSecond({ count, cpuSeconds }: Round): number {
  return count / cpuSeconds;
}

function pick(round: Round, figure: string | undefined): number {
  return figure === undefined ? perCpuSecond(round) : (round.figures[figure] ?? Number.NaN);
}

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

export interface JudgedTarget {
  readonly target: Target;
  /** NaN when it was not measured. */
  readonly value: number;
  readonly isMet: boolean;
}

export function judgeTarget(target: Target, { measured }: CollectorResults): JudgedTarget {
  const find = (id: string) => measured.find((other) => other.id === id)?.rounds ?? [];
  const ours = find(target.of).map((round) => pick(round, target.figure));
  const theirs = target.over === undefined ? undefined : find(target.over).map(perCpuSecond);
  const ratios =
    theirs === undefined ? ours : ours.map((own, i) => own / (theirs[i] ?? Number.NaN));
  const value = median(ratios);
  const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = target;
  return { target, value, isMet: value >= least && value <= most };
}

export function perCpuSecond({ count, cpuSeconds }: Round): number {
  return count / cpuSeconds;
}

function pick(round: Round, figure: string | undefined): number {
  return figure === undefined ? perCpuSecond(round) : (round.figures[figure] ?? Number.NaN);
}

import type { Round } from '../collector/protocol.ts';
import {
  type CollectorMeasured,
  type CollectorResults,
  judgeTarget,
  perCpuSecond,
} from '../collector/results.ts';
import { TARGETS, type Target } from '../collector/targets.ts';
import { median } from '../statistics.ts';
import { table, whole } from './table.ts';

const SMALL = 1000;

/** Targets and figures of the collector; empty when nothing of it was measured. */
export function collectorReport(results: CollectorResults): string {
  if (results.measured.length === 0) return '';
  const targets = TARGETS.map((target) => {
    const { value, isMet } = judgeTarget(target, results);
    const verdict = isMet ? 'yes' : 'NO';
    return [
      target.what,
      wanted(target),
      amount(value),
      Number.isNaN(value) ? 'not measured' : verdict,
    ];
  });
  const figures = results.measured.map(figureRow);
  return [
    '## Collector: goals',
    table(['what', 'goal', 'measured', 'met'], targets),
    '\n## Collector: figures (medians of turns)',
    table(['measurement', 'per CPU second', 'least and most', 'else', 'what it is'], figures),
  ].join('\n');
}

function wanted({ least, most }: Target): string {
  return least === undefined ? `≤ ${amount(most ?? Number.NaN)}` : `≥ ${amount(least)}`;
}

/** Ratios are small, rates are large. */
function amount(value: number): string {
  return value < SMALL && !Number.isInteger(value) && Number.isFinite(value)
    ? value.toFixed(2)
    : whole(value);
}

function figureRow({ id, unit, description, rounds, skipped }: CollectorMeasured): string[] {
  if (skipped !== undefined) return [id, `skipped: ${skipped.split('\n')[0]}`, '', '', description];
  const rates = rounds.map(perCpuSecond);
  const hasRate = rates.every((rate) => rate > 0);
  return [
    id,
    hasRate ? `${whole(median(rates))} ${unit}` : '',
    hasRate ? `${whole(Math.min(...rates))} … ${whole(Math.max(...rates))}` : '',
    otherFigures(rounds),
    description,
  ];
}

function otherFigures(rounds: readonly Round[]): string {
  const names = Object.keys(rounds[0]?.figures ?? {});
  return names
    .map(
      (name) =>
        `${name} ${amount(median(rounds.map(({ figures }) => figures[name] ?? Number.NaN)))}`,
    )
    .join(', ');
}

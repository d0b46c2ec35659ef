import type { Round } from '../collector/protocol.ts';
import {
  type CollectorMeasured,
  type CollectorResults,
  perCpuSecond,
  targetValue,
} from '../collector/results.ts';
import { TARGETS } from '../collector/targets.ts';
import { median } from '../statistics.ts';
import { amount, judgedRow, judgedTable } from './judged.ts';
import { table, whole } from './table.ts';

/** Targets and figures of the collector; empty when nothing of it was measured. */
export function collectorReport(results: CollectorResults): string {
  if (results.measured.length === 0) return '';
  const targets = TARGETS.map((target) =>
    judgedRow(target.what, target, targetValue(target, results)),
  );
  const figures = results.measured.map(figureRow);
  return [
    '## Collector: goals',
    judgedTable(targets),
    '\n## Collector: figures (medians of turns)',
    table(['measurement', 'per CPU second', 'least and most', 'else', 'what it is'], figures),
  ].join('\n');
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

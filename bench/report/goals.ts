import type { Measured, Results, Saturation } from '../results.ts';
import { BASE_NAME, type ContestantName, NAMED_NAME, RECEIVING_NAME } from '../scenarios.ts';
import { median } from '../statistics.ts';
import { type Bounds, judgedRow, judgedTable } from './judged.ts';

/** What has to be reached; of contestants that did not take part nothing is said. */
interface Goal extends Bounds {
  readonly what: string;
  readonly of: readonly [scenario: string, contestant: ContestantName];
  /** Copies per CPU second are divided by those of this one, round by round. */
  readonly over?: readonly [scenario: string, contestant: ContestantName];
  /** Of what else was measured. */
  readonly figure?: (measured: Measured) => number;
  readonly unit: string;
}

function faster(
  ours: ContestantName,
  theirs: ContestantName,
  least: number,
  scenario = BASE_NAME,
): Goal {
  const what = `${ours}: copies per CPU second over ${theirs} (${scenario})`;
  return { what, of: [scenario, ours], over: [scenario, theirs], unit: '×', least };
}

/** What many rules may cost. */
function many(ours: ContestantName, few: string, scenario: string): Goal {
  const what = `${ours}: copies per CPU second with ${scenario} over ${few}`;
  return { what, of: [scenario, ours], over: [few, ours], unit: '×', least: 1 / 1.15 };
}

const GOALS: readonly Goal[] = [
  {
    what: 'floxy: time in user space',
    of: [BASE_NAME, 'floxy'],
    figure: ({ userNsPerCopy }) => userNsPerCopy,
    unit: 'ns a copy',
    most: 200,
  },
  faster('floxy', 'pmacct', 1.2),
  faster('floxy', 'raw', 1.6),
  faster('floxy', 'limit', 1.83),
  faster('kernel', 'raw', 3.5, RECEIVING_NAME),
  faster('kernel', 'nftables', 1.3),
  faster('kernel', 'bare', 0.7),
  {
    what: 'kernel: median latency at half load',
    of: [BASE_NAME, 'kernel'],
    figure: ({ latency }) => latency.p50Ns / 1000,
    unit: 'µs',
    most: 20,
  },
  ...(['floxy', 'kernel'] as const).flatMap((ours) => [
    many(ours, '10 rules', '100,000 rules'),
    many(ours, '10 addresses', 'prefixes'),
  ]),
  {
    what: `kernel: copies lost at ${NAMED_NAME}`,
    of: [NAMED_NAME, 'kernel'],
    figure: ({ fixedRate }) => fixedRate?.lostCopies ?? Number.NaN,
    unit: '',
    most: 0,
  },
  {
    what: `kernel: share of the core at ${NAMED_NAME}`,
    of: [NAMED_NAME, 'kernel'],
    figure: ({ fixedRate }) => (fixedRate?.coreShare ?? Number.NaN) * 100,
    unit: '%',
    most: 40,
  },
];

export function goalsReport(results: Results): string {
  const rows = GOALS.flatMap((goal) => {
    const value = measuredValue(results, goal);
    return value === undefined ? [] : [judgedRow(goal.what, goal, value, goal.unit)];
  });
  return rows.length === 0 ? '' : `## Goals\n${judgedTable(rows)}`;
}

function measuredValue(results: Results, { of, over, figure }: Goal): number | undefined {
  const measured = find(results, of);
  if (measured === undefined) return undefined;
  if (figure !== undefined) return figure(measured);
  const other = over === undefined ? undefined : find(results, over);
  return other === undefined ? undefined : ratioOf(measured, other);
}

function find(results: Results, [scenario, contestant]: Goal['of']): Measured | undefined {
  return results.groups
    .flatMap((group) => group.measured)
    .find((m) => m.scenario.name === scenario && m.contestant === contestant);
}

function efficiency({ copies, cpuSeconds }: Saturation): number {
  return copies / cpuSeconds;
}

/**
 * How many times as many copies per CPU second, as the median of the ratios of rounds that were run one after the
 * other.
 */
export function ratioOf(ours: Measured, theirs: Measured): number {
  return median(
    ours.rounds.map((round, i) => {
      const other = theirs.rounds[i];
      return other === undefined ? Number.NaN : efficiency(round) / efficiency(other);
    }),
  );
}

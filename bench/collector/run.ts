import { messageOf } from '../../src/base/errors.ts';
import { median } from '../statistics.ts';
import type { Cores } from '../tools.ts';
import { Contender } from './contender.ts';
import { MEASUREMENTS } from './items.ts';
import type { Measurement } from './measurement.ts';
import { type CollectorMeasured, type CollectorResults, perCpuSecond } from './results.ts';

const FULL = { rounds: 7, roundMs: 1000 };
const QUICK = { rounds: 3, roundMs: 300 };

/** The first turn does not count. It is longer: until then all code has been compiled that is worth it. */
const WARM_UP_ROUNDS = 1;
const WARM_UP_TIMES = 3;

export interface CollectorChoice {
  readonly isQuick: boolean;
  /** Only measurements whose id contains the text. */
  readonly only: string;
  readonly cores: Cores;
  readonly say: (line: string) => void;
}

/**
 * Runs all measurements in turns, so that noise of the machine meets all of them alike.
 *
 * @param resources processes belong to it; when it is disposed of before the end, the run fails
 */
export async function runCollector(
  { isQuick, only, cores, say }: CollectorChoice,
  resources: AsyncDisposableStack,
): Promise<CollectorResults> {
  const wanted = MEASUREMENTS.filter(({ id }) => id.includes(only));
  const skipped = new Map<string, string>();
  const contenders: Contender[] = [];
  for (const measurement of wanted) {
    await orSkip(skipped, measurement, async () => {
      contenders.push(resources.use(await Contender.start(measurement, cores)));
    });
  }
  await takeTurns(contenders, skipped, isQuick ? QUICK : FULL);
  const measured = wanted.map(({ id, description, unit }): CollectorMeasured => {
    const reason = skipped.get(id);
    if (reason !== undefined) return { id, description, unit, rounds: [], skipped: reason };
    const rounds = contenders.find((one) => one.measurement.id === id)?.rounds ?? [];
    return { id, description, unit, rounds };
  });
  for (const one of measured) say(describe(one));
  return { measured };
}

async function takeTurns(
  contenders: readonly Contender[],
  skipped: Map<string, string>,
  { rounds, roundMs }: typeof FULL,
): Promise<void> {
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const contender of contenders) {
      if (skipped.has(contender.measurement.id)) continue;
      await orSkip(skipped, contender.measurement, async () => {
        await contender.run(round < 0 ? WARM_UP_TIMES * roundMs : roundMs);
        if (round < 0) contender.rounds.length = 0;
      });
    }
  }
}

/** What fails is told and left out; the others go on. */
async function orSkip(
  skipped: Map<string, string>,
  { id }: Measurement,
  step: () => Promise<void>,
): Promise<void> {
  try {
    await step();
  } catch (error) {
    skipped.set(id, messageOf(error));
  }
}

function describe({ id, unit, rounds, skipped }: CollectorMeasured): string {
  if (skipped !== undefined) return `${id.padEnd(32)}  skipped: ${skipped}`;
  const value = Math.round(median(rounds.map(perCpuSecond))).toLocaleString('en');
  return `${id.padEnd(32)}  ${value} ${unit} per CPU second`;
}

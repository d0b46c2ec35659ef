/** Measures the proxy against its rivals: see README.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { allowedCores, confine, takeTurn } from '../test/load/machine.ts';
import { buildPrograms } from '../tools/traffic/programs.ts';
import { runGroup } from './bench.ts';
import { runCollector } from './collector/run.ts';
import { CONTESTANTS, prepareContestant } from './contestants/all.ts';
import { raisePriority } from './priority.ts';
import { markdownReport } from './report/markdown.ts';
import { svgReport } from './report/svg.ts';
import type { GroupResult, Results } from './results.ts';
import {
  type ContestantName,
  FULL_EFFORT,
  GROUPS,
  type Group,
  QUICK_EFFORT,
  QUICK_GROUPS,
} from './scenarios.ts';
import { judgeTimes } from './times.ts';
import { Collector, type Cores, Generator } from './tools.ts';
import { Topology } from './topology.ts';

const RESULTS = path.join(import.meta.dirname, 'results');

/** Asked before this program confines itself to one of them. */
const MACHINE_CORES = availableParallelism();

/** No run takes longer: whatever hangs, namespaces and processes go away. */
const TIMEOUT_MS = 60 * 60_000;

const USAGE = `usage: npm run bench -- [--quick] [--only TEXT] [--contestants NAME,NAME]
       npm run bench -- --collector [--quick] [--only TEXT]
       npm run bench -- --times [--only TEXT]

--quick         a few scenarios with short measurements: under a minute
--only          only groups whose title, measurements or test files whose name contains the text
--contestants   only these of ${Object.keys(CONTESTANTS).join(', ')}
--collector     only the collector: decoding, formats, producers
--times         instead: how long what has a promised time takes; some minutes
`;

interface Choice {
  readonly isQuick: boolean;
  /** The collector alone. */
  readonly isCollector: boolean;
  /** Promised times instead of figures. */
  readonly isTimes: boolean;
  readonly only: string;
  readonly groups: readonly Group[];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function choose(): Choice {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      contestants: { type: 'string' },
      collector: { type: 'boolean', default: false },
      times: { type: 'boolean', default: false },
    },
  });
  const wanted = values.contestants?.split(',') ?? Object.keys(CONTESTANTS);
  const unknown = wanted.filter((name) => !Object.hasOwn(CONTESTANTS, name));
  if (unknown.length > 0) throw new Error(`unknown contestants: ${unknown.join(', ')}\n${USAGE}`);
  const groups = (values.quick ? QUICK_GROUPS : GROUPS)
    .filter(({ title }) => title.includes(values.only))
    .map(({ title, scenarios }) => ({
      title,
      scenarios: scenarios.map((scenario) => ({
        ...scenario,
        contestants: scenario.contestants.filter((name) => wanted.includes(name)),
      })),
    }));
  return {
    isQuick: values.quick,
    isCollector: values.collector,
    isTimes: values.times,
    only: values.only,
    groups: values.collector ? [] : groups,
  };
}

/** @throws Error when there is only one core: nothing measured there would mean anything */
function chooseCores(): Cores {
  const [generator, proxy, rest] = allowedCores();
  if (generator === undefined || proxy === undefined) {
    throw new Error('needs two cores: one for the generator and one for the proxy');
  }
  return { generator, proxy, rest: rest ?? generator };
}

async function prepareContestants(
  groups: readonly Group[],
): Promise<ReadonlyMap<ContestantName, string>> {
  const unavailable = new Map<ContestantName, string>();
  const names = new Set(
    groups.flatMap(({ scenarios }) => scenarios.flatMap(({ contestants }) => contestants)),
  );
  for (const name of names) {
    const reason = await prepareContestant(CONTESTANTS[name]);
    if (reason === undefined) continue;
    unavailable.set(name, reason);
    say(`${name}: ${reason}`);
  }
  return unavailable;
}

type Figures = Pick<Results, 'groups' | 'collector'>;

/** Runs until the end or until it is told to end; what is made is removed in any case. */
async function measure(choice: Choice): Promise<Figures> {
  const cores = chooseCores();
  await confine(process.pid, [cores.rest]);
  const stopped = Promise.withResolvers<never>();
  // Whoever waits for something that can last finds it; else it is found by who waits next.
  stopped.promise.catch(() => undefined);
  const stop = (reason: string) => stopped.reject(new Error(`stopped: ${reason}`));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const timeout = setTimeout(() => stop('took too long'), TIMEOUT_MS);
  timeout.unref();
  await using resources = new AsyncDisposableStack();
  resources.use(await Promise.race([takeTurn(), stopped.promise]));
  resources.use(raisePriority());
  const groups = await measureProxy(choice, cores, stopped.promise);
  say('\nCollector');
  const { isQuick, only } = choice;
  await using started = new AsyncDisposableStack();
  const collecting = runCollector({ isQuick, only, cores, say }, started);
  return { groups, collector: await Promise.race([collecting, stopped.promise]) };
}

async function measureProxy(
  { isQuick, groups }: Choice,
  cores: Cores,
  stopped: Promise<never>,
): Promise<readonly GroupResult[]> {
  if (groups.length === 0) return [];
  await buildPrograms();
  const unavailable = await prepareContestants(groups);
  await using resources = new AsyncDisposableStack();
  const topology = resources.use(await Topology.create(`fxbench${process.pid}`));
  const collector = resources.use(new Collector(topology, cores));
  const bench = {
    topology,
    collector,
    generator: new Generator(topology, cores),
    cores,
    effort: isQuick ? QUICK_EFFORT : FULL_EFFORT,
    unavailable,
    say,
  };
  const results: GroupResult[] = [];
  for (const group of groups) {
    say(`\n${group.title}`);
    await using started = new AsyncDisposableStack();
    const result = await Promise.race([runGroup(bench, group, started), stopped]);
    for (const { scenario, contestant, reason } of result.skipped) {
      say(`${scenario.name.padEnd(16)}  ${contestant.padEnd(9)}  skipped: ${reason}`);
    }
    results.push(result);
  }
  return results;
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('makes network namespaces: run it as root');
  const choice = choose();
  if (choice.isTimes) {
    process.exitCode = (await judgeTimes(say, choice.only)) ? 0 : 1;
    return;
  }
  const started = new Date();
  const { groups, collector } = await measure(choice);
  const results: Results = {
    startedAt: started.toISOString(),
    seconds: Math.round((Date.now() - started.getTime()) / 1000),
    isQuick: choice.isQuick,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      kernel: release(),
      node: process.version,
      cores: MACHINE_CORES,
    },
    descriptions: Object.fromEntries(
      Object.values(CONTESTANTS).map(({ name, description }) => [name, description]),
    ),
    groups,
    collector,
  };
  mkdirSync(RESULTS, { recursive: true });
  const markdown = markdownReport(results);
  writeFileSync(path.join(RESULTS, 'results.json'), `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(path.join(RESULTS, 'results.md'), markdown);
  writeFileSync(path.join(RESULTS, 'results.svg'), svgReport(results));
  say(`\n${markdown}`);
  say(`\n${results.seconds} s; written to ${RESULTS}: results.json, results.md, results.svg`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  // What was under way when it was stopped has nothing left to work with.
  process.exit(1);
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { widenBacklog } from './backlog.ts';
import { CONTESTANTS } from './contestants/all.ts';
import type { Running } from './contestants/contestant.ts';
import { startFloxy } from './contestants/floxy.ts';
import { Meter } from './measure.ts';
import { memoryOf, type ProcessMemory } from './processes.ts';
import type { GroupResult, Measured, Saturation, Skipped, Trial } from './results.ts';
import {
  type ContestantName,
  type Effort,
  type Group,
  NAMED_NAME,
  type Scenario,
} from './scenarios.ts';
import { median, sum } from './statistics.ts';
import { steerToProxy } from './steering.ts';
import type { Collector, Cores, Generator } from './tools.ts';
import type { Topology } from './topology.ts';

const FIXED_RATE_MS = 1000;

/** What all runs share. */
export interface Bench {
  readonly topology: Topology;
  readonly generator: Generator;
  readonly collector: Collector;
  readonly cores: Cores;
  readonly effort: Effort;
  /** Why a contestant cannot take part at all. */
  readonly unavailable: ReadonlyMap<ContestantName, string>;
  readonly say: (line: string) => void;
}

interface Entry {
  readonly scenario: Scenario;
  readonly contestant: ContestantName;
  readonly running: Running;
  readonly meter: Meter;
  readonly rounds: Saturation[];
  /** At the scenario's fixed rate. */
  readonly trials: Trial[];
}

/**
 * Runs all contestants of all scenarios of a group in turns: noise of the machine meets all of them.
 *
 * @param resources what is started belongs to it; when it is disposed of before the end, the run fails
 */
export async function runGroup(
  bench: Bench,
  group: Group,
  resources: AsyncDisposableStack,
): Promise<GroupResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'floxy-bench-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const { entries, skipped } = await startAll(bench, group, folder, resources);
  for (let round = 0; round < bench.effort.rounds; round++) {
    for (const entry of entries) entry.rounds.push(await entry.meter.saturate());
    for (const { scenario, meter, trials } of entries) {
      if (scenario.fixedRate === undefined) continue;
      trials.push(await meter.tryRate(scenario.fixedRate, FIXED_RATE_MS));
    }
  }
  const measured: Measured[] = [];
  for (const entry of entries) {
    measured.push(await finishEntry(bench, entry, entries.length));
  }
  return { title: group.title, measured, skipped };
}

async function startAll(
  bench: Bench,
  group: Group,
  folder: string,
  resources: AsyncDisposableStack,
): Promise<{ entries: Entry[]; skipped: Skipped[] }> {
  const skipped: Skipped[] = [];
  const entries: Entry[] = [];
  for (const scenario of group.scenarios) {
    for (const contestant of scenario.contestants) {
      const reason = bench.unavailable.get(contestant) ?? cannotRun(contestant, scenario);
      if (reason !== undefined) {
        skipped.push({ scenario, contestant, reason });
        continue;
      }
      const number = entries.length;
      try {
        entries.push(await startEntry({ bench, scenario, contestant, number, folder, resources }));
      } catch (error) {
        skipped.push({ scenario, contestant, reason: reasonOf(error) });
      }
    }
  }
  return { entries, skipped };
}

function cannotRun(contestant: ContestantName, scenario: Scenario): string | undefined {
  const { translates = false } = CONTESTANTS[contestant];
  if (translates || scenario.family !== 'ipv4-to-ipv6') return undefined;
  return 'cannot send IPv4 packets to IPv6 collectors';
}

async function startEntry(options: {
  bench: Bench;
  scenario: Scenario;
  contestant: ContestantName;
  number: number;
  folder: string;
  resources: AsyncDisposableStack;
}): Promise<Entry> {
  const { bench, scenario, contestant, number, resources } = options;
  const at = await bench.topology.path(number, scenario);
  const folder = await mkdtemp(path.join(options.folder, `${contestant}-`));
  const start = { path: at, scenario, cores: bench.cores, folder };
  const running = await CONTESTANTS[contestant].start(start);
  if (resources.disposed) await running[Symbol.asyncDispose]();
  resources.use(running);
  if (scenario.backlog !== undefined) widenBacklog(scenario.backlog, resources);
  const receives = scenario.receives === true || running.forwarders.length === 0;
  if (receives) resources.use(await steerToProxy(start));
  const { generator, collector, effort } = bench;
  const meter = new Meter({ generator, collector, effort, path: at, scenario, running, receives });
  await meter.probe();
  return { scenario, contestant, running, meter, rounds: [], trials: [] };
}

async function finishEntry(bench: Bench, entry: Entry, sparePath: number): Promise<Measured> {
  const { scenario, contestant, meter, rounds, trials, running } = entry;
  const userShare = await meter.measureUserShare();
  const losslessPacketsPerSecond = await meter.searchLosslessRate();
  const latency = await meter.measureLatency(losslessPacketsPerSecond / 2);
  const memory = running.processes.map(memoryOf);
  const twoForwardersMemory =
    scenario.name === NAMED_NAME && contestant === 'floxy'
      ? await measureTwoForwarders(bench, scenario, sparePath)
      : undefined;
  const result: Measured = {
    scenario,
    contestant,
    rounds,
    ...summarise(rounds, userShare),
    losslessPacketsPerSecond,
    latency,
    memory,
    ...(trials.length === 0 ? {} : { fixedRate: summariseTrials(trials) }),
    ...(twoForwardersMemory === undefined ? {} : { twoForwardersMemory }),
  };
  bench.say(describe(result));
  return result;
}

function summarise(rounds: readonly Saturation[], userShare: number) {
  const copies = sum(rounds.map((round) => round.copies));
  const cpuSeconds = sum(rounds.map((round) => round.cpuSeconds));
  const limits = rounds.map((round) => round.limit);
  return {
    copiesPerSecond: median(rounds.map((round) => round.copiesPerSecond)),
    copiesPerCpuSecond: median(rounds.map((round) => round.copies / round.cpuSeconds)),
    userNsPerCopy: (cpuSeconds / copies) * userShare * 1e9,
    systemNsPerCopy: (cpuSeconds / copies) * (1 - userShare) * 1e9,
    limit: limits.toSorted()[limits.length >> 1] ?? 'others',
  };
}

/** Medians, and all that was lost of all that was to come. */
function summariseTrials(trials: readonly Trial[]): Trial {
  const middle = (of: (trial: Trial) => number) => median(trials.map(of));
  return {
    packetsPerSecond: middle(({ packetsPerSecond }) => packetsPerSecond),
    expectedCopies: sum(trials.map(({ expectedCopies }) => expectedCopies)),
    lostCopies: sum(trials.map(({ lostCopies }) => lostCopies)),
    lateCopies: Math.max(...trials.map(({ lateCopies }) => lateCopies)),
    coreShare: middle(({ coreShare }) => coreShare),
    systemShare: middle(({ systemShare }) => systemShare),
  };
}

/** Starts the proxy as on a host with two cores for it, lets traffic pass, and looks at its memory. */
async function measureTwoForwarders(
  bench: Bench,
  scenario: Scenario,
  pathNumber: number,
): Promise<ProcessMemory[]> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'floxy-bench-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const at = await bench.topology.path(pathNumber, scenario);
  const start = { path: at, scenario, cores: bench.cores, folder };
  const running = resources.use(await startFloxy(start, 2));
  await bench.generator.send(at, scenario, { rate: 50_000, ms: 1000 });
  return running.processes.map(memoryOf);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describe({ scenario, contestant, ...figures }: Measured): string {
  return [
    scenario.name.padEnd(16),
    contestant.padEnd(9),
    `${Math.round(figures.copiesPerSecond).toLocaleString('en')} copies/s`,
    `user ${Math.round(figures.userNsPerCopy)} system ${Math.round(figures.systemNsPerCopy)} ns/copy`,
    `lossless ${Math.round(figures.losslessPacketsPerSecond).toLocaleString('en')} packets/s`,
    `p50 ${Math.round(figures.latency.p50Ns / 1000)} p99 ${Math.round(figures.latency.p99Ns / 1000)} µs`,
    `limited by ${figures.limit}`,
  ].join('  ');
}

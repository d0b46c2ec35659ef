/**
 * A soak: mixed load for minutes or hours, with hostile packets in it, while rules change, forwarders die
 * and neighbours are forgotten. Small packets, which the engine in the kernel can handle, take turns with all
 * sizes, of which many are for forwarders. At the end every packet has to be accounted for, and memory and
 * descriptors have to be what they were. Needs root: it runs in network namespaces of its own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { assertArrived, assertNothingWrong, inputsOf, wrongOf } from '../test/load/accounts.ts';
import { replaceForwarder } from '../test/load/forwarder-deaths.ts';
import { BATCH, LoadStage, type Settled, type Totals } from '../test/load/load-stage.ts';
import { RuleChanges } from '../test/load/rule-changes.ts';
import { HOSTILE_KINDS, type Sent } from '../tools/traffic/generator.ts';
import { measureCapacity } from './capacity.ts';
import { SoakHoldings } from './soak-holdings.ts';
import { sum } from './statistics.ts';

const USAGE =
  'usage: npm run soak -- [MINUTES [kernel|socket]]     default 10, and the engine that auto takes\n';
const DEFAULT_MINUTES = 10;
const ENGINES: readonly string[] = ['auto', 'kernel', 'socket'];
const PROGRESS_INTERVAL_MS = 10_000;
const CHANGE_INTERVAL_MS = 1_500;
const DEATH_INTERVAL_MS = 7_000;
/** One death in so many is a forwarder that stops and has to be found. */
const STUCK_EVERY = 5;
/** Of what the machine can do: what waits while a forwarder is stuck has to fit the receive buffer. */
const LOAD = 0.25;
const MOST_PACKETS_PER_SECOND = 10_000;
const HOSTILE_PER_SECOND = 500;
const BUFFER_BYTES = 9_000;
/** Small ones that leave whole; and all, also fragmented on the way to the collectors, and cut. */
const SMALL = [64, 200, 600, 1_400];
const SIZES = [64, 200, 600, 1_400, 1_472, 3_000, 200, 8_900, 64, 9_400];
const PHASE_MS = 30_000;
/** After one change in so many. */
const NEIGHBOURS_EVERY = 7;
/** The first one is never killed, so that its memory can be watched; the others take turns. */
const FORWARDERS = 3;
const MOST_COPIES = 3;

interface Run {
  readonly stage: LoadStage;
  readonly changes: RuleChanges;
  readonly holdings: SoakHoldings;
  readonly startedAt: number;
  readonly endsAt: number;
  readonly packetsPerSecond: number;
  deaths: number;
}

const failures: string[] = [];
const stopping = new AbortController();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function check(name: string, verify: () => void): void {
  try {
    verify();
    say(`ok      ${name}`);
  } catch (error) {
    failures.push(name);
    say(`FAILED  ${name}: ${error instanceof Error ? error.message : error}`);
  }
}

function expect(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

/** Acts again and again until the run is over. */
async function every(intervalMs: number, run: Run, act: () => Promise<void>): Promise<void> {
  while (performance.now() + intervalMs < run.endsAt && !stopping.signal.aborted) {
    await delay(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    if (!stopping.signal.aborted) await act();
  }
}

/**
 * Replaces the rules, and forgets neighbours between two changes, never during one: copies by the old rules that
 * wait for a neighbour would arrive after those that the new ones send to another.
 */
async function changeRules(run: Run): Promise<void> {
  await run.changes.next();
  if (run.changes.count % NEIGHBOURS_EVERY === 0) await run.stage.forgetNeighbours();
}

async function killOne(run: Run): Promise<void> {
  const index = 1 + (run.deaths % (FORWARDERS - 1));
  const isStuck = run.deaths % STUCK_EVERY === STUCK_EVERY - 1;
  await replaceForwarder(run.stage, index, isStuck ? 'SIGSTOP' : 'SIGKILL');
  run.deaths++;
}

/** Sends, in turns, what the engine in the kernel can handle, and what it cannot. */
async function sendPhases(run: Run): Promise<void> {
  for (let phase = 0; performance.now() < run.endsAt && !stopping.signal.aborted; phase++) {
    const isSmall = phase % 2 === 0;
    run.stage.templates = isSmall ? 'ONE' : undefined;
    const load = run.stage.start({
      sizes: isSmall ? SMALL : SIZES,
      packetsPerSecond: run.packetsPerSecond,
    });
    const restMs = Math.max(0, Math.min(PHASE_MS, run.endsAt - performance.now()));
    await delay(restMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    run.stage.add(await load.stop());
  }
}

/** Packets that the engine in the kernel has handled. */
async function handledInKernel(stage: LoadStage): Promise<number> {
  const { kernel_engine: engine } = await stage.api.status();
  return Number(engine?.handled.packets ?? 0);
}

async function showProgress(run: Run): Promise<void> {
  const { stage, changes, deaths, holdings } = run;
  const [totals, arrived] = [await stage.totals(), await stage.collector.report()];
  await stage.collector.reset();
  const { control, forwarder } = await holdings.sample(stage);
  const seconds = Math.round((performance.now() - run.startedAt) / 1000);
  const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  say(
    [
      `${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, '0')}`,
      `${totals.received} received`,
      `${await handledInKernel(stage)} in the kernel`,
      `${totals.forwarded} forwarded`,
      `${arrived.copies} arrived`,
      `${sum(Object.values(wrongOf(arrived)))} wrong`,
      `${totals.kernelDrops} dropped`,
      `p99 ${(arrived.latency.p99Ns / 1e6).toFixed(1)} ms`,
      `${changes.count} changes`,
      `${deaths} deaths`,
      `control ${mib(control.pssBytes)}, ${control.descriptors} descriptors`,
      `forwarder ${mib(forwarder.pssBytes)}, ${forwarder.descriptors}`,
    ].join('; '),
  );
}

function judge(run: Run, settled: Settled, before: Totals, storm: Sent): void {
  const { offered, totals, statistics, arrived, lostOnWire } = settled;
  const inHand = run.deaths * BATCH;
  check('no copy is doubled, out of order, misrouted or damaged', () =>
    assertNothingWrong(arrived),
  );
  check('changes are in force when they are answered', () =>
    run.changes.assertInForceWhenAnswered(arrived),
  );
  check(`offered = received + dropped by the kernel, but for ${inHand} packets`, () => {
    const lost = offered.packets - totals.received - totals.kernelDrops;
    expect(lost >= 0 && lost <= inHand, `${lost} packets have no end`);
  });
  check(`received = inputs + mismatched, but for ${inHand} packets`, () => {
    const lost = totals.received - inputsOf(statistics);
    expect(lost >= 0 && lost <= inHand, `${lost} packets are in no statistics`);
  });
  const overload = totals.kernelDrops - before.kernelDrops - storm.hostile.checksum;
  if (overload > 0)
    say(
      `note    the machine was too busy for a while: ${overload} packets did not fit the buffers`,
    );
  check('the kernel dropped every wrong checksum', () =>
    expect(overload >= 0, `${-overload} of ${storm.hostile.checksum} came through`),
  );
  check(
    'every packet that was not dropped reached all its outputs, but for the batches in hand',
    () => {
      const lost = arrived.missing + arrived.incomplete;
      const what = `${lost} packets, ${overload} dropped, ${lostOnWire} frames lost on the wire`;
      expect(lost <= inHand + lostOnWire + overload, what);
    },
  );
  check('forwarded = arrived, but for the batches in hand', () =>
    assertArrived(totals.forwarded, arrived.copies, lostOnWire, inHand * MOST_COPIES),
  );
  check('no copy was refused', () => expect(totals.sendErrors === 0, `${totals.sendErrors}`));
  check('cut packets are counted, and large ones are sent as fragments', () =>
    expect(totals.truncated > 0 && totals.fragmented > 0, JSON.stringify(totals)),
  );
  check('forwarders were replaced as often as they died', () =>
    expect(totals.restarts === run.deaths, `${totals.restarts} of ${run.deaths}`),
  );
  check('memory and descriptors are what they were', () => run.holdings.assertFlat());
}

async function soak(minutes: number, engine: string): Promise<void> {
  await using stage = await LoadStage.start({
    settings: {
      COLLECTOR_FLOXY_ENGINE: engine,
      COLLECTOR_FLOXY_THREAD_COUNT: `${FORWARDERS}`,
      COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: `${BUFFER_BYTES}`,
    },
    exporterMtu: 10_000,
    bufferBytes: BUFFER_BYTES,
    perClass: 25,
  });
  const capacity = await measureCapacity(stage);
  const packetsPerSecond = Math.floor(Math.min(MOST_PACKETS_PER_SECOND, capacity * LOAD));
  say(`${minutes} minutes at ${packetsPerSecond} packets/s of ${Math.floor(capacity)}`);
  const before = await stage.totals();
  const startedAt = performance.now();
  const run: Run = {
    stage,
    changes: new RuleChanges(stage),
    holdings: new SoakHoldings(),
    startedAt,
    endsAt: startedAt + minutes * 60_000,
    packetsPerSecond,
    deaths: 0,
  };
  const hostile = stage.startHostile({
    kinds: HOSTILE_KINDS,
    packetsPerSecond: HOSTILE_PER_SECOND,
    largest: BUFFER_BYTES,
  });
  await Promise.all([
    sendPhases(run),
    every(CHANGE_INTERVAL_MS, run, () => changeRules(run)),
    every(DEATH_INTERVAL_MS, run, () => killOne(run)),
    every(PROGRESS_INTERVAL_MS, run, () => showProgress(run)),
  ]);
  const seconds = (performance.now() - startedAt) / 1000;
  const handled = await handledInKernel(stage);
  const storm = stage.add(await hostile.stop());
  const settled = await stage.settle(run.deaths * BATCH);
  const { missing, incomplete } = settled.arrived;
  say(
    `${sum(settled.offered.streams)} packets in ${seconds.toFixed(0)} s, ${handled} handled in the kernel, ${run.changes.count} changes, ${run.deaths} deaths: ${missing} packets missing, ${incomplete} incomplete, ${settled.lostOnWire} frames lost on the wire`,
  );
  judge(run, settled, before, storm);
}

const minutes = Number(process.argv[2] ?? DEFAULT_MINUTES);
const engine = process.argv[3] ?? 'auto';
if (!(minutes > 0) || !ENGINES.includes(engine) || process.argv.length > 4) {
  process.stderr.write(USAGE);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
try {
  await soak(minutes, engine);
} catch (error) {
  failures.push('the run');
  say(`FAILED  ${error instanceof Error ? error.stack : error}`);
}
say(failures.length === 0 ? 'soak passed' : `soak failed: ${failures.length} checks`);
process.exitCode = failures.length === 0 ? 0 : 1;

import { setTimeout as delay } from 'node:timers/promises';
import { keepAwake } from './awake.ts';
import type { Running } from './contestants/contestant.ts';
import type { Limit, Saturation, Trial } from './results.ts';
import { type Effort, framesPerCopy, type Scenario, templateCopies } from './scenarios.ts';
import { findHighestRate } from './search.ts';
import { sum } from './statistics.ts';
import type { Collector, Generator, Latency, Sample } from './tools.ts';
import type { Path } from './topology.ts';

/** Between the start of the generator and the first sample: buffers fill, code gets compiled. */
const SETTLE_MS = 200;
/** The generator goes on for so long after the second sample, which may be late. */
const TAIL_MS = 80;
const PROBE_MS = 400;
/** Offered load over the throughput seen: enough to saturate, without drowning the machine in drops. */
const OVERLOAD = 1.3;
/** More than gets through is offered when less than this share of it does. */
const SATURATED = 0.95;
/**
 * So many times as much as got through is offered next, until that is so, and so often at most: who drowned in the
 * first, boundless load looks slow.
 */
const PROBE_GROWTH = 1.6;
const PROBE_STEPS = 8;
/** From this share of the time on, a core counts as full. */
const BUSY = 0.93;

/** What may be in buffers when the generator stops; more is a queue that grows. */
const LATE_MS = 20;
const LATE_COPIES = 128;
const DRAIN_POLL_MS = 10;
/** Nothing arrived for so many polls: the rest is lost. */
const DRAIN_POLLS = 8;

const TICKS_PER_SECOND = 100;
const NANOSECONDS = 1e9;

/** Measures one contestant in one scenario. */
export class Meter {
  readonly #generator: Generator;
  readonly #collector: Collector;
  readonly #effort: Effort;
  readonly #path: Path;
  readonly #scenario: Scenario;
  readonly #running: Running;
  readonly #frames: number;
  /** What counts is all that the core does. */
  readonly #receives: boolean;
  #throughput = 0;
  #warm: Sample | undefined;

  constructor(options: {
    generator: Generator;
    collector: Collector;
    effort: Effort;
    path: Path;
    scenario: Scenario;
    running: Running;
    receives: boolean;
  }) {
    this.#generator = options.generator;
    this.#collector = options.collector;
    this.#effort = options.effort;
    this.#path = options.path;
    this.#scenario = options.scenario;
    this.#running = options.running;
    this.#frames = framesPerCopy(options.scenario);
    this.#receives = options.receives;
  }

  /** Finds out roughly how much gets through, and warms up. */
  async probe(): Promise<void> {
    await this.#offer(0);
    if (this.#throughput === 0) throw new Error('nothing came through');
    for (let step = 0; step < PROBE_STEPS; step++) {
      if ((await this.#offer(Math.round(this.#throughput * PROBE_GROWTH))) < SATURATED) break;
    }
    this.#warm = await this.#sample();
  }

  /** Offers so many packets per second for a moment. @returns the share that got through */
  async #offer(rate: number): Promise<number> {
    const before = await this.#sample();
    const sent = await this.#generator.send(this.#path, this.#scenario, { rate, ms: PROBE_MS });
    const packets = this.#madeBetween(before, await this.#sample()) / this.#scenario.copies;
    this.#throughput = Math.max(this.#throughput, packets / sent.seconds);
    await this.#drain(before, Number.POSITIVE_INFINITY);
    return packets / sent.numbered;
  }

  /**
   * Share of the forwarders' CPU time that was spent in user space since the probe. The kernel finds it by looking
   * 250 times a second or so: only a long time makes it exact.
   */
  async measureUserShare(): Promise<number> {
    if (this.#running.forwarders.length === 0 || this.#warm === undefined) return 0;
    return cpuBetween(this.#warm, await this.#sample()).userShare;
  }

  /** Offers more than gets through and measures for a while. */
  async saturate(): Promise<Saturation> {
    const rate = Math.round(this.#throughput * OVERLOAD);
    const { saturationMs } = this.#effort;
    const ms = SETTLE_MS + saturationMs + TAIL_MS;
    const sending = this.#generator.send(this.#path, this.#scenario, { rate, ms });
    await delay(SETTLE_MS);
    const first = await this.#sample();
    await delay(saturationMs);
    const last = await this.#sample();
    const sent = await sending;
    await this.#drain(first, Number.POSITIVE_INFINITY);
    const seconds = last.seconds - first.seconds;
    const copies = this.#madeBetween(first, last);
    const copiesPerSecond = copies / seconds;
    this.#throughput = Math.max(this.#throughput, copiesPerSecond / this.#scenario.copies);
    const cpu = cpuBetween(first, last);
    return {
      offeredPacketsPerSecond: sent.numbered / sent.seconds,
      copiesPerSecond,
      copies,
      coreBusy: cpu.coreBusy,
      steal: cpu.steal,
      cpuSeconds: this.#receives ? cpu.coreBusy * seconds : cpu.runSeconds,
      limit: this.#limitOf(cpu, last.dropped - first.dropped, seconds),
    };
  }

  /** @returns the highest rate without loss, in packets per second; 0 when there is none */
  async searchLosslessRate(): Promise<number> {
    const passes = async (rate: number) => {
      // Another tenant of the machine can spoil one trial, hardly two.
      return isLossless(await this.tryRate(rate)) || isLossless(await this.tryRate(rate));
    };
    const throughput = this.#throughput;
    const range = {
      low: throughput * 0.4,
      high: throughput * 1.1,
      steps: this.#effort.searchSteps,
    };
    return await findHighestRate(passes, range);
  }

  async tryRate(rate: number, ms = this.#effort.searchMs): Promise<Trial> {
    const before = await this.#sample();
    const sent = await this.#generator.send(this.#path, this.#scenario, { rate, ms });
    const atEnd = await this.#sample();
    const { copies } = this.#scenario;
    const expectedCopies = sent.numbered * copies + templateCopies(this.#scenario);
    const arrived = await this.#drain(before, expectedCopies);
    const cpu = cpuBetween(before, atEnd);
    const run = this.#receives ? cpu.coreBusy : cpu.runSeconds / sent.seconds;
    return {
      packetsPerSecond: sent.numbered / sent.seconds,
      expectedCopies,
      lostCopies: Math.max(0, expectedCopies - arrived),
      lateCopies: Math.max(0, expectedCopies - this.#copiesBetween(before, atEnd)),
      coreShare: run,
      systemShare: 1 - (cpu.userShare * cpu.runSeconds) / (run * sent.seconds),
    };
  }

  async measureLatency(rate: number): Promise<Latency> {
    using _awake = keepAwake();
    await this.#collector.startRecording(this.#path);
    const load = { rate: Math.max(1, Math.round(rate)), ms: this.#effort.latencyMs };
    await this.#generator.send(this.#path, this.#scenario, load);
    await delay(LATE_MS);
    return await this.#collector.report();
  }

  #limitOf(cpu: ReturnType<typeof cpuBetween>, dropped: number, seconds: number): Limit {
    if (this.#receives) return cpu.coreBusy >= BUSY ? 'proxy' : 'generator';
    if (dropped > 0) return 'collector';
    if (cpu.runSeconds / seconds >= BUSY) return 'proxy';
    return cpu.coreBusy + cpu.steal >= BUSY ? 'others' : 'generator';
  }

  #sample(): Promise<Sample> {
    return this.#collector.sample(this.#path, this.#running.forwarders);
  }

  /**
   * Copies that left. The end of the collectors' link is on the proxy core too, and where that receives packets they
   * share its backlog: a copy that found it full had been made all the same.
   */
  #madeBetween(first: Sample, last: Sample): number {
    return this.#copiesBetween(first, last) + (last.dropped - first.dropped) / this.#frames;
  }

  /** Copies that arrived. */
  #copiesBetween(first: Sample, last: Sample): number {
    return (last.packets - first.packets) / this.#frames;
  }

  /** Waits until so many copies have arrived, or no more come. @returns how many have */
  async #drain(before: Sample, expected: number): Promise<number> {
    let arrived = -1;
    for (let idle = 0; idle < DRAIN_POLLS; idle++) {
      const now = this.#copiesBetween(before, await this.#sample());
      if (now >= expected) return now;
      if (now > arrived) idle = 0;
      arrived = now;
      await delay(DRAIN_POLL_MS);
    }
    return arrived;
  }
}

/** Nothing was lost, and no queue was growing. */
export function isLossless({ expectedCopies, lostCopies, lateCopies, packetsPerSecond }: Trial) {
  const packets = expectedCopies === 0 ? 0 : packetsPerSecond;
  return lostCopies === 0 && lateCopies <= LATE_COPIES + packets * (LATE_MS / 1000);
}

function cpuBetween(first: Sample, last: Sample) {
  // Of the clock: packets that interrupt an idle core are in none of the kernel's other sums, which ticks find.
  const ticks = (last.seconds - first.seconds) * TICKS_PER_SECOND;
  const steal = (last.core.stealTicks - first.core.stealTicks) / ticks;
  const idle = (last.core.idleTicks - first.core.idleTicks) / ticks;
  const change = (of: (process: Sample['processes'][number]) => number) =>
    sum(last.processes.map(of)) - sum(first.processes.map(of));
  const user = change((process) => process.userTicks) / TICKS_PER_SECOND;
  const system = change((process) => process.systemTicks) / TICKS_PER_SECOND;
  return {
    runSeconds: change((process) => process.runNs) / NANOSECONDS,
    userShare: user + system > 0 ? user / (user + system) : 0,
    coreBusy: Math.max(0, 1 - idle - steal),
    steal,
  };
}

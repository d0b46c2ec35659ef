import type { Logger } from 'pino';
import { restartDelayMs } from '../../base/restart-delay.ts';
import type { Tap } from '../../native/packet-sender.ts';
import type { ForwarderStatus } from '../../telemetry/status.ts';
import type { TableReference } from '../engine.ts';
import type { ForwarderProcess } from './forwarder-process.ts';

/** What the supervisor needs to know of one forwarder, whatever process it has at the moment. */
export interface ForwarderSpec {
  readonly index: number;
  /** Starts a process that works by this table. */
  spawn(
    table: TableReference,
    events: { applied(): void; exited(reason: string): void },
  ): ForwarderProcess;
  /** Grows while the process lives and its event loop turns. */
  heartbeat(): bigint;
}

const CHECK_INTERVAL_MS = 500;
/** A heartbeat comes every 250 ms. This many checks in a row without one: the process is stuck. */
const STUCK_CHECKS = 4;
const START_LIMIT_MS = 10_000;
/** A process that died sooner than this after its start counts against its forwarder. */
const EARLY_DEATH_MS = 2000;
/** Early deaths in a row that make the proxy Offline. */
const OFFLINE_DEATHS = 5;
const STOP_LIMIT_MS = 1000;

interface Forwarder {
  readonly spec: ForwarderSpec;
  process: ForwarderProcess | undefined;
  restarts: number;
  earlyDeaths: number;
  lastDeath: string | undefined;
  restartTimer: NodeJS.Timeout | undefined;
  heartbeat: bigint;
  checksWithoutHeartbeat: number;
}

/**
 * Keeps one process alive for each forwarder and brings tables to all of them. The sockets live in control:
 * while a forwarder is being replaced, its packets wait in the receive buffer.
 */
export class Supervisor {
  readonly #forwarders: readonly Forwarder[];
  readonly #log: Logger;
  #table: TableReference | undefined;
  /** What captures want, and how often that has changed. */
  #taps: readonly Tap[] = [];
  #tapsVersion = 0;
  /** How often all that the kernel had handled was to be counted. */
  #countVersion = 0;
  #checkTimer: NodeJS.Timeout | undefined;
  #isStopping = false;
  /** Called, and forgotten, whenever a forwarder has taken a table or is gone. */
  #waiting: (() => void)[] = [];

  constructor(specs: readonly ForwarderSpec[], log: Logger) {
    this.#log = log;
    this.#forwarders = specs.map((spec) => ({
      spec,
      process: undefined,
      restarts: 0,
      earlyDeaths: 0,
      lastDeath: undefined,
      restartTimer: undefined,
      heartbeat: 0n,
      checksWithoutHeartbeat: 0,
    }));
  }

  /**
   * Puts a table in force; the first one starts the processes. Resolves when every process works by it. A
   * process that dies meanwhile does not count: its successor starts with this table. A stuck one is killed
   * within a few seconds.
   */
  async publish(table: TableReference): Promise<void> {
    const isFirst = this.#table === undefined;
    this.#table = table;
    for (const forwarder of this.#forwarders) {
      if (isFirst) this.#spawn(forwarder);
      else forwarder.process?.setTable(table);
    }
    this.#checkTimer ??= setInterval(() => this.#check(), CHECK_INTERVAL_MS);
    await this.#until(() =>
      this.#forwarders.every(
        ({ process }) => process === undefined || process.appliedGeneration >= table.generation,
      ),
    );
  }

  /**
   * Resolves when all that the kernel has handled so far is counted. A process that dies meanwhile is waited for, unless it
   * keeps dying: its successor counts what it left.
   */
  async countKernel(): Promise<void> {
    const version = ++this.#countVersion;
    for (const { process } of this.#forwarders) process?.countKernel(version);
    await this.#until(() =>
      this.#forwarders.every(({ process, earlyDeaths }) =>
        process === undefined
          ? this.#isStopping || earlyDeaths >= OFFLINE_DEATHS
          : process.countedVersion >= version,
      ),
    );
  }

  /** Tells what captures want. Resolves when every process knows; one that starts later is told then. */
  async setTaps(taps: readonly Tap[]): Promise<void> {
    this.#taps = taps;
    const version = ++this.#tapsVersion;
    for (const { process } of this.#forwarders) process?.setTaps(taps, version);
    await this.#until(() =>
      this.#forwarders.every(
        ({ process }) => process === undefined || process.tappedVersion >= version,
      ),
    );
  }

  /** Lets forwarders finish what waits in their receive buffers, then ends them. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#checkTimer);
    for (const forwarder of this.#forwarders) {
      clearTimeout(forwarder.restartTimer);
      forwarder.process?.stop();
    }
    const killTimer = setTimeout(() => {
      for (const { process } of this.#forwarders) process?.kill('did not end in time');
    }, STOP_LIMIT_MS);
    await this.#until(() => this.#forwarders.every(({ process }) => process === undefined));
    clearTimeout(killTimer);
  }

  /** Ends supervision and leaves the processes to a successor of this control. */
  leave(): void {
    this.#isStopping = true;
    clearInterval(this.#checkTimer);
    for (const forwarder of this.#forwarders) {
      clearTimeout(forwarder.restartTimer);
      forwarder.process?.leave();
    }
  }

  /** The process of a forwarder, if there is one, and how often it was replaced. */
  processOf(index: number): Pick<ForwarderStatus, 'pid' | 'restarts' | 'startedAt'> {
    const { process, restarts = 0 } = this.#forwarders[index] ?? {};
    const { pid, startedAtTime: startedAt } = process ?? {};
    return {
      restarts,
      ...(pid === undefined ? {} : { pid }),
      ...(startedAt === undefined ? {} : { startedAt }),
    };
  }

  /** What keeps forwarders from working for good, in words; undefined when nothing does. */
  persistentFailure(): string | undefined {
    const failing = this.#forwarders.find(({ earlyDeaths }) => earlyDeaths >= OFFLINE_DEATHS);
    if (failing === undefined) return undefined;
    return `forwarder ${failing.spec.index} keeps dying (${failing.earlyDeaths} times in a row): it ${failing.lastDeath}`;
  }

  /** Forwarders that do not move packets at the moment, in words; undefined when all do. */
  passingFailure(): string | undefined {
    if (this.#table === undefined) return undefined;
    const idle = this.#forwarders.filter(
      ({ process }) => process === undefined || process.appliedGeneration === 0,
    );
    if (idle.length === 0) return undefined;
    const described = idle.map(({ spec, lastDeath }) =>
      lastDeath === undefined
        ? `${spec.index} is starting`
        : `${spec.index} ${lastDeath}, restarting`,
    );
    return `forwarder ${described.join('; forwarder ')}`;
  }

  async #until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  #progress(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #spawn(forwarder: Forwarder): void {
    const { spec } = forwarder;
    forwarder.checksWithoutHeartbeat = 0;
    let hasStarted = false;
    const process = spec.spawn(this.#table as TableReference, {
      applied: () => {
        if (!hasStarted) {
          this.#log.info({ forwarder: spec.index, pid: process.pid }, 'forwarder started');
        }
        hasStarted = true;
        this.#progress();
      },
      exited: (reason) => this.#exited(forwarder, process, reason),
    });
    forwarder.process = process;
    if (this.#countVersion > 0) process.countKernel(this.#countVersion);
    if (this.#taps.length > 0) process.setTaps(this.#taps, this.#tapsVersion);
  }

  #exited(forwarder: Forwarder, process: ForwarderProcess, reason: string): void {
    forwarder.process = undefined;
    this.#progress();
    if (this.#isStopping) return;
    const livedMs = performance.now() - process.startedAt;
    forwarder.earlyDeaths = livedMs < EARLY_DEATH_MS ? forwarder.earlyDeaths + 1 : 0;
    forwarder.lastDeath = reason;
    forwarder.restarts++;
    const delayMs = restartDelayMs(forwarder.earlyDeaths);
    this.#log.error(
      { forwarder: forwarder.spec.index, pid: process.pid, reason, delayMs },
      'forwarder died, restarting it',
    );
    forwarder.restartTimer = setTimeout(() => this.#spawn(forwarder), delayMs);
  }

  #check(): void {
    for (const forwarder of this.#forwarders) {
      const { process } = forwarder;
      if (process === undefined) continue;
      const ageMs = performance.now() - process.startedAt;
      // Heartbeats begin when it is ready.
      if (process.appliedGeneration > 0) checkHeartbeat(forwarder, process, ageMs);
      else if (ageMs > START_LIMIT_MS) process.kill('did not become ready in time');
    }
  }
}

function checkHeartbeat(forwarder: Forwarder, process: ForwarderProcess, ageMs: number): void {
  if (ageMs >= EARLY_DEATH_MS) forwarder.earlyDeaths = 0;
  const heartbeat = forwarder.spec.heartbeat();
  const isAlive = heartbeat !== forwarder.heartbeat;
  forwarder.heartbeat = heartbeat;
  forwarder.checksWithoutHeartbeat = isAlive ? 0 : forwarder.checksWithoutHeartbeat + 1;
  if (forwarder.checksWithoutHeartbeat >= STUCK_CHECKS) process.kill('was stuck');
}

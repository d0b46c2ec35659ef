import type { Logger } from 'pino';
import { restartDelayMs } from '../../../base/restart-delay.ts';
import type { ProducerStatus } from '../../model/producer.ts';
import type { WorkerProcess, WorkerProcessEvents } from './worker-process.ts';

/** What the keeper needs to know of its shard, whatever process it has at the moment. */
export interface ShardSpec {
  readonly pipeline: string;
  readonly shard: number;
  spawn(events: WorkerProcessEvents): WorkerProcess;
  /** Grows while the process takes datagrams, or could. */
  heartbeat(): number;
  /** A process is gone: its counters are to be added up before the next one counts. @param isDeath it was not told to end */
  ended(isDeath: boolean): void;
}

/** A worker's heartbeat comes every 250 ms. A batch may take long on a busy machine; this is no batch any more. */
const STUCK_MS = 5000;
const START_LIMIT_MS = 30_000;
/** A process that died sooner than this after its start counts against its shard. */
const EARLY_DEATH_MS = 5000;
/** Early deaths in a row that make a pipeline failing. */
const FAILING_DEATHS = 3;
/** What a process is given on top of the time it was told to end in. */
const STOP_GRACE_MS = 1000;
/** As worker-process.ts words it. */
const CLEAN_EXIT = 'exited with status 0';

/** Keeps one worker alive: one that died is replaced, one that hangs is killed. Nothing else waits for it. */
export class ShardKeeper {
  readonly #spec: ShardSpec;
  readonly #log: Logger;
  #process: WorkerProcess | undefined;
  #restarts = 0;
  #earlyDeaths = 0;
  #lastDeath: string | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  /** Whether it is to take datagrams. */
  #isTaking = false;
  #isStopping = false;
  #heartbeat = 0;
  #heartbeatAtMs = 0;
  #waiting: (() => void)[] = [];
  #isPaused = true;
  #hasLeft = false;

  constructor(spec: ShardSpec, log: Logger) {
    this.#spec = spec;
    this.#log = log;
  }

  get shard(): number {
    return this.#spec.shard;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** How the producer of its process is. */
  get producer(): ProducerStatus {
    return this.#process?.producer ?? { state: 'connecting' };
  }

  get restarts(): number {
    return this.#restarts;
  }

  get isRunning(): boolean {
    return this.#process?.isReady === true && this.#isTaking;
  }

  /** Why it does not work, in words; undefined when it does, or is about to. */
  failure(): string | undefined {
    if (this.#earlyDeaths < FAILING_DEATHS) return undefined;
    return `worker ${this.shard} keeps dying (${this.#earlyDeaths} times in a row): it ${this.#lastDeath}`;
  }

  /** Starts a process, which takes nothing yet. */
  prepare(): void {
    this.#spawn();
  }

  /** Resolves when a process is set up, or the first one has died. */
  async prepared(): Promise<void> {
    await this.#until(() => this.#process?.isReady === true || this.#restarts > 0);
  }

  start(): void {
    this.#isTaking = true;
    this.#isPaused = false;
    this.#heartbeatAtMs = performance.now();
    if (this.#process?.isReady) this.#process.start();
  }

  /** Resolves when it takes no more datagrams, until it is started again. */
  async pause(): Promise<void> {
    this.#isTaking = false;
    if (this.#process?.isReady) this.#process.pause();
    else this.#isPaused = true;
    await this.#until(() => this.#isPaused);
  }

  /**
   * Has it end. A process that does not is killed.
   *
   * @returns what resolves when it takes no more datagrams, and when it is gone
   */
  stop(deadlineMs: number): { readonly left: Promise<void>; readonly exited: Promise<void> } {
    this.#isStopping = true;
    clearTimeout(this.#restartTimer);
    this.#process?.stop(deadlineMs);
    const killTimer = setTimeout(() => {
      this.#process?.kill('did not end in time');
    }, deadlineMs + STOP_GRACE_MS);
    const isGone = () => this.#process === undefined;
    const exited = this.#until(isGone).then(() => clearTimeout(killTimer));
    return { left: this.#until(() => this.#hasLeft || isGone()), exited };
  }

  /** Ends supervision; the process ends by itself. */
  leave(): void {
    this.#isStopping = true;
    clearTimeout(this.#restartTimer);
    this.#process?.leave();
  }

  /** To be called every half second or so: finds a process that hangs. */
  check(): void {
    const process = this.#process;
    if (process === undefined || this.#isStopping) return;
    const nowMs = performance.now();
    if (!process.isReady) {
      if (nowMs - process.startedAt > START_LIMIT_MS) process.kill('did not become ready in time');
      return;
    }
    if (nowMs - process.startedAt >= EARLY_DEATH_MS) this.#earlyDeaths = 0;
    const heartbeat = this.#spec.heartbeat();
    if (heartbeat !== this.#heartbeat || !this.#isTaking) this.#heartbeatAtMs = nowMs;
    this.#heartbeat = heartbeat;
    if (nowMs - this.#heartbeatAtMs > STUCK_MS) process.kill('was stuck');
  }

  #spawn(): void {
    this.#hasLeft = false;
    const process = this.#spec.spawn({
      ready: () => {
        if (this.#isTaking) {
          this.#heartbeatAtMs = performance.now();
          process.start();
        }
        const { pipeline, shard } = this.#spec;
        this.#log.info({ pipeline, shard, pid: process.pid }, 'pipeline worker started');
        this.#progress();
      },
      paused: () => {
        this.#isPaused = !this.#isTaking;
        this.#progress();
      },
      left: () => {
        this.#hasLeft = true;
        this.#progress();
      },
      exited: (reason) => this.#exited(process, reason),
    });
    this.#process = process;
  }

  #exited(process: WorkerProcess, reason: string): void {
    this.#process = undefined;
    if (!this.#isTaking) this.#isPaused = true;
    this.#spec.ended(!this.#isStopping);
    if (!this.#isStopping) this.#restart(process, reason);
    else if (reason !== CLEAN_EXIT) this.#tellBadEnd(reason);
    this.#progress();
  }

  #restart(process: WorkerProcess, reason: string): void {
    const livedMs = performance.now() - process.startedAt;
    this.#earlyDeaths = livedMs < EARLY_DEATH_MS ? this.#earlyDeaths + 1 : 0;
    this.#lastDeath = reason;
    this.#restarts++;
    const delayMs = restartDelayMs(this.#earlyDeaths);
    const { pipeline, shard } = this.#spec;
    this.#log.error(
      { pipeline, shard, pid: process.pid, reason, delayMs },
      'pipeline worker died, restarting it',
    );
    this.#restartTimer = setTimeout(() => this.#spawn(), delayMs);
  }

  #tellBadEnd(reason: string): void {
    const { pipeline, shard } = this.#spec;
    this.#log.warn({ pipeline, shard, reason }, 'pipeline worker did not end as it was told');
  }

  async #until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #progress(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

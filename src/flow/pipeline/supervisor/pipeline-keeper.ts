import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { PipelineSettings } from '../config/settings.ts';
import type { PipelineCounters, PipelineStats, WorkerStats } from '../stats.ts';
import type { Taps } from '../tail/taps.ts';
import type { WorkerDescriptors } from '../worker/descriptors.ts';
import { toSent, type WorkerArguments, type WorkerSetup } from '../worker/messages.ts';
import type { WorkerRow } from '../worker-row.ts';
import type { Load } from './auto-size.ts';
import { NO_RING_COUNTERS, type RingWatch, type ShardMap } from './ring-watch.ts';
import { ShardKeeper, type ShardSpec } from './shard-keeper.ts';
import type { TemplateDesk } from './template-desk.ts';
import { EndedWorkers } from './totals.ts';
import { WorkerProcess } from './worker-process.ts';

/** What the workers of a pipeline are started with. */
export interface PipelinePlace {
  /** In rings, and the owner of its readers there. */
  readonly index: number;
  readonly owner: number;
  readonly rings: RingWatch;
  readonly shardMap: ShardMap;
  readonly descriptors: WorkerDescriptors;
  /** Of two that take turns, so that a team can leave while the next one works. */
  readonly rowOf: (
    shard: number,
    turn: 0 | 1,
  ) => { readonly index: number; readonly row: WorkerRow };
  readonly user: WorkerArguments['user'];
  readonly setup: Omit<WorkerSetup, 'settings' | 'configFolder'>;
  readonly log: Logger;
  readonly taps: Taps;
  readonly desk: TemplateDesk;
}

/** So long the producers of a team that is replaced have for what they hold. */
const REPLACED_STOP_MS = 5000;
/** The next team waits so long for them, for the sake of order, while few datagrams wait. */
const ORDER_WAIT_MS = 2000;
const ORDER_WAIT_RECORDS = 4096;
const POLL_MS = 10;
/** Workers that are to reach one place in the rings have this long. */
const CUT_LIMIT_MS = 10_000;

interface Team {
  readonly turn: 0 | 1;
  readonly settings: PipelineSettings;
  readonly configFolder: string;
  readonly shards: readonly ShardKeeper[];
}

/** Keeps the workers of one pipeline, and replaces them without losing a place in the rings. */
export class PipelineKeeper {
  readonly #place: PipelinePlace;
  readonly #ended = new EndedWorkers();
  readonly #countedSince = new Date();
  #team: Team;
  /** Its workers deliver what they have, and take no more. */
  #leaving: Team | undefined;
  /** One change after the other. */
  #changed: Promise<void> = Promise.resolve();
  #changing = 0;
  #isStopping = false;

  constructor(
    settings: PipelineSettings,
    configFolder: string,
    shards: number,
    place: PipelinePlace,
  ) {
    this.#place = place;
    this.#team = this.#makeTeam(settings, configFolder, shards, 0);
  }

  get settings(): PipelineSettings {
    return this.#team.settings;
  }

  get shards(): number {
    return this.#team.shards.length;
  }

  /** Datagrams that come from now on are its, or from where an earlier control's workers were. */
  start(): void {
    const { shardMap, rings, index, owner } = this.#place;
    shardMap.spread(this.shards);
    rings.open(index, this.shards, owner);
    for (const shard of this.#team.shards) {
      shard.prepare();
      shard.start();
    }
  }

  /** Whether its workers are being replaced. */
  get isChanging(): boolean {
    return this.#changing > 0;
  }

  /** What AutoSize looks at. */
  load(): Load {
    const { workers, total } = this.stats();
    const lag = Math.max(0, ...workers.map(({ counters }) => counters.ring.lag));
    return { lag, busyMs: total.worker.busyMs };
  }

  /** Resolves when so many workers do the same. */
  resize(shards: number): Promise<void> {
    return this.#enqueue(() => this.#change(this.#team.settings, this.#team.configFolder, shards));
  }

  /** Resolves when the workers work by these settings, as so many shards. Nothing is lost on the way. */
  change(settings: PipelineSettings, configFolder: string, shards: number): Promise<void> {
    return this.#enqueue(() => this.#change(settings, configFolder, shards));
  }

  /** Has the workers deliver what they took, and end. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#changed;
    const stopped = this.#team.shards.map((shard) => shard.stop(deadlineMs));
    await Promise.all(stopped.map(({ exited }) => exited));
    this.#addShards(0);
    this.#team = { ...this.#team, shards: [] };
  }

  /** Leaves the workers to themselves: they end between two batches. */
  leave(): void {
    this.#isStopping = true;
    for (const shard of [...this.#team.shards, ...(this.#leaving?.shards ?? [])]) shard.leave();
  }

  check(): void {
    for (const shard of this.#team.shards) shard.check();
  }

  stats(): PipelineStats {
    const { settings, shards, turn } = this.#team;
    const workers = shards.map((shard) => this.#workerStats(shard, turn));
    const rows = workers.map(({ counters }) => counters);
    const total = this.#ended.total([...rows, ...this.#leavingCounters()]);
    const error = shards.map((shard) => shard.failure()).find((failure) => failure !== undefined);
    const isRunning = shards.every(({ isRunning }) => isRunning);
    return {
      name: settings.name,
      producer: settings.producer.kind,
      format: settings.format.kind,
      state: error === undefined ? (isRunning ? 'running' : 'starting') : 'failing',
      error,
      countedSince: this.#countedSince,
      workers,
      total,
      deaths: this.#ended.deaths(total),
    };
  }

  #enqueue(change: () => Promise<void>): Promise<void> {
    this.#changing++;
    this.#changed = this.#changed.then(change).finally(() => {
      this.#changing--;
    });
    return this.#changed;
  }

  async #change(settings: PipelineSettings, configFolder: string, shards: number): Promise<void> {
    if (this.#isStopping) return;
    const old = this.#team;
    const next = this.#makeTeam(settings, configFolder, shards, old.turn === 0 ? 1 : 0);
    // Starting takes longer than anything else here: the old ones work on meanwhile.
    for (const shard of next.shards) shard.prepare();
    await Promise.all(next.shards.map((shard) => shard.prepared()));
    if (old.shards.length !== shards) await this.#cut(old);
    const stopped = old.shards.map((shard) => shard.stop(REPLACED_STOP_MS));
    await Promise.all(stopped.map(({ left }) => left));
    const gone = Promise.all(stopped.map(({ exited }) => exited));
    await this.#waitForOrder(gone, old.shards.length);
    const { rings, index, owner, shardMap } = this.#place;
    this.#team = next;
    this.#leaving = old;
    this.#addShards(shards, old.shards.length);
    rings.goOn(index, old.shards.length, shards, owner);
    shardMap.spread(shards);
    for (const shard of next.shards) shard.start();
    await gone;
    this.#leaving = undefined;
  }

  /** Brings all shards to one place in each ring: what comes before it is theirs, the rest is the next team's. */
  async #cut({ shards }: Team): Promise<void> {
    const { rings, index, owner } = this.#place;
    await Promise.all(shards.map((shard) => shard.pause()));
    const areThere = rings.stopAtOnePlace(index, shards.length, owner);
    for (const shard of shards) shard.start();
    const limitMs = performance.now() + CUT_LIMIT_MS;
    while (!areThere() && performance.now() < limitMs) {
      for (const shard of shards) shard.check();
      await delay(POLL_MS);
    }
  }

  async #waitForOrder(gone: Promise<unknown>, shards: number): Promise<void> {
    let areGone = false;
    void gone.then(() => {
      areGone = true;
    });
    const limitMs = performance.now() + ORDER_WAIT_MS;
    while (!areGone && performance.now() < limitMs && this.#lag(shards) < ORDER_WAIT_RECORDS) {
      await delay(POLL_MS);
    }
  }

  #lag(shards: number): number {
    const { rings, index, owner } = this.#place;
    const lags = Array.from({ length: shards }, (_, i) => rings.counters(index, i, owner).lag);
    return Math.max(...lags);
  }

  /** Adds up what shards from this one on have counted in rings. */
  #addShards(from: number, to: number = this.shards): void {
    const { rings, index, owner } = this.#place;
    for (let shard = from; shard < to; shard++) {
      this.#ended.addShard({ ...rings.counters(index, shard, owner), lag: 0 });
    }
  }

  #makeTeam(settings: PipelineSettings, configFolder: string, shards: number, turn: 0 | 1): Team {
    const { log } = this.#place;
    const keepers = Array.from({ length: shards }, (_, shard) => {
      return new ShardKeeper(this.#spec(settings, configFolder, shard, turn), log);
    });
    return { settings, configFolder, turn, shards: keepers };
  }

  #spec(settings: PipelineSettings, configFolder: string, shard: number, turn: 0 | 1): ShardSpec {
    const { rowOf, descriptors, log, index, owner, user, taps, desk } = this.#place;
    const { index: rowIndex, row } = rowOf(shard, turn);
    const given: WorkerArguments = {
      pipeline: settings.name,
      index,
      shard,
      owner,
      row: rowIndex,
      user,
      rings: descriptors.rings.length,
    };
    const setup = { ...this.#place.setup, settings: toSent(settings), configFolder };
    const workerLog = log.child({ pipeline: settings.name, shard });
    return {
      pipeline: settings.name,
      shard,
      spawn: (events) =>
        new WorkerProcess({ given, descriptors, setup, log: workerLog, taps, desk }, events),
      heartbeat: () => row.heartbeat,
      ended: (isDeath) => {
        this.#ended.addProcess(row.read(), isDeath);
        row.clear();
      },
    };
  }

  #leavingCounters(): PipelineCounters[] {
    if (this.#leaving === undefined) return [];
    const { turn, shards } = this.#leaving;
    return shards.map(({ shard }) => ({
      ring: NO_RING_COUNTERS,
      ...this.#place.rowOf(shard, turn).row.read(),
    }));
  }

  #workerStats(shard: ShardKeeper, turn: 0 | 1): WorkerStats {
    const { rings, rowOf, index, owner } = this.#place;
    const { row } = rowOf(shard.shard, turn);
    const counters = { ring: rings.counters(index, shard.shard, owner), ...row.read() };
    return {
      shard: shard.shard,
      pid: shard.pid,
      restarts: shard.restarts,
      producer: shard.producer,
      counters,
    };
  }
}

import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { MAX_PIPELINES, MAX_WORKERS } from '../config/schema.ts';
import type { PipelineSettings, PipelinesConfig } from '../config/settings.ts';
import type { PipelineStats, PipelineStatsSource } from '../stats.ts';
import { Taps } from '../tail/taps.ts';
import type { RingDescriptors } from '../worker/descriptors.ts';
import type { WorkerArguments } from '../worker/messages.ts';
import { WorkerRows } from '../worker-row.ts';
import { AutoSize } from './auto-size.ts';
import { Owners } from './owners.ts';
import { PipelineKeeper, type PipelinePlace } from './pipeline-keeper.ts';
import { RingWatch, ShardMap } from './ring-watch.ts';
import { TemplateDesk } from './template-desk.ts';
import { idleStats } from './totals.ts';

const CHECK_INTERVAL_MS = 500;
const AUTO_INTERVAL_MS = 1000;
const TAKEN_POLL_MS = 10;
/** How long a pipeline that is no more has to deliver what it took. */
const REMOVED_STOP_MS = 5000;

export interface PipelineSupervisorOptions {
  readonly log: Logger;
  /** Whom workers become; undefined = they stay who we are. */
  readonly user: WorkerArguments['user'];
  /** Where workers keep files: it is theirs. */
  readonly dataFolder: string;
  /** Where control keeps what it needs of them: its own. */
  readonly controlFolder: string;
  readonly logLevel: string;
  /** More workers than this are never started by themselves. */
  readonly cores: number;
}

interface Kept {
  readonly keeper: PipelineKeeper;
  readonly index: number;
  readonly owner: number;
  readonly shardMap: ShardMap;
  readonly autoSize: AutoSize;
}

interface Wanted {
  readonly settings: ReadonlyMap<string, PipelineSettings>;
  readonly configFolder: string;
}

interface Rings {
  readonly descriptors: readonly RingDescriptors[];
  readonly watch: RingWatch;
  readonly rows: WorkerRows;
}

/**
 * Keeps the workers of all pipelines that are configured and that rules name. Forwarders know nothing of it.
 */
export class PipelineSupervisor implements PipelineStatsSource {
  /** Who looks at what passes through workers. */
  readonly taps = new Taps();
  /** Who wants templates that workers keep, or has some for them. */
  readonly desk = new TemplateDesk();
  readonly #options: PipelineSupervisorOptions;
  readonly #owners: Owners;
  readonly #kept = new Map<string, Kept>();
  #wanted: Wanted = { settings: new Map(), configFolder: '/' };
  #indexes: ReadonlyMap<string, number> = new Map();
  #rings: Rings | undefined;
  #timers: NodeJS.Timeout[] = [];
  #reconciled: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: PipelineSupervisorOptions) {
    this.#options = options;
    this.#owners = new Owners(options.controlFolder);
  }

  /** @param given the rings of all forwarders; their descriptors may be closed afterwards */
  start(given: readonly RingDescriptors[]): void {
    const rings = given.map(ownDescriptors);
    const rows = new WorkerRows(MAX_PIPELINES * MAX_WORKERS * 2);
    this.#rings = { descriptors: rings, watch: new RingWatch(rings), rows };
    this.#timers = [
      setInterval(() => this.#check(), CHECK_INTERVAL_MS),
      setInterval(() => this.#followLoad(), AUTO_INTERVAL_MS),
    ];
    void this.#reconcile();
  }

  /**
   * Has these pipelines run, and no others. Those that have not changed notice nothing; those that have are replaced
   * without losing their place. Resolves when it is so.
   *
   * @param configFolder what relative paths begin at
   */
  configure({ pipelines }: PipelinesConfig, configFolder: string): Promise<void> {
    const settings = new Map(pipelines.map((pipeline) => [pipeline.name, pipeline]));
    this.#wanted = { settings, configFolder };
    return this.#reconcile();
  }

  /**
   * Says which pipelines rules name, and which bit of a packet is whose. To be called before forwarders write these bits:
   * pipelines that are new begin with what comes from now on.
   */
  place(indexes: ReadonlyMap<string, number>): Promise<void> {
    this.#indexes = indexes;
    return this.#reconcile();
  }

  pipelines(): readonly PipelineStats[] {
    const idle = [...this.#wanted.settings.values()]
      .filter(({ name }) => !this.#kept.has(name))
      .map((settings) => idleStats(settings, 'unused', 'no rule names this pipeline'));
    const missing = [...this.#indexes.keys()]
      .filter((name) => !this.#wanted.settings.has(name) && !this.#kept.has(name))
      .map((name) =>
        idleStats({ name }, 'missing', 'rules name this pipeline, but it is not configured'),
      );
    return [...[...this.#kept.values()].map(({ keeper }) => keeper.stats()), ...idle, ...missing];
  }

  /** Has all workers take what waits for them, deliver what they took, and end. Forwarders have ended before. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#reconciled;
    await this.#taken(deadlineMs);
    this.#stopTimers();
    await Promise.all([...this.#kept.values()].map(({ keeper }) => keeper.stop(deadlineMs)));
    this.#rings?.rows.close();
    for (const { ring, states } of this.#rings?.descriptors ?? []) {
      closeSync(ring);
      closeSync(states);
    }
  }

  /** Leaves workers to themselves: they end between two batches, and those of the next control go on there. */
  leave(): void {
    this.#isStopping = true;
    this.#stopTimers();
    for (const { keeper } of this.#kept.values()) keeper.leave();
  }

  /** One after the other. */
  #reconcile(): Promise<void> {
    this.#addNew();
    this.#reconciled = this.#reconciled.then(() => this.#changeOthers());
    return this.#reconciled;
  }

  /** At once: what comes from now on is theirs. */
  #addNew(): void {
    if (this.#rings === undefined || this.#isStopping) return;
    const { settings } = this.#wanted;
    const names = [...settings.keys()].filter((name) => this.#indexes.has(name));
    if (names.length === 0) return;
    const owners = this.#owners.of(new Set([...settings.keys(), ...this.#kept.keys()]));
    if (this.#owners.problem !== undefined) {
      const details = { error: this.#owners.problem };
      this.#options.log.error(details, 'pipelines begin anew when the service is started again');
    }
    for (const name of names) {
      if (this.#kept.has(name)) continue;
      const place = [this.#indexes.get(name), owners.get(name)] as [number, number];
      this.#add(settings.get(name) as PipelineSettings, ...place);
    }
  }

  async #changeOthers(): Promise<void> {
    if (this.#rings === undefined || this.#isStopping) return;
    await Promise.all(
      [...this.#kept].map(async ([name, kept]) => {
        const settings = this.#wanted.settings.get(name);
        if (settings === undefined || this.#indexes.get(name) !== kept.index) {
          await this.#remove(name, kept);
        } else await this.#change(kept, settings);
      }),
    );
    // One whose index has changed was in the way of itself.
    this.#addNew();
  }

  #add(settings: PipelineSettings, index: number, owner: number): void {
    const { configFolder } = this.#wanted;
    const shardMap = new ShardMap(settings.name);
    const shards = settings.workers === 'auto' ? 1 : settings.workers;
    const place = this.#at(index, owner, shardMap);
    const keeper = new PipelineKeeper(settings, configFolder, shards, place);
    const autoSize = new AutoSize(Math.min(MAX_WORKERS, this.#options.cores));
    this.#kept.set(settings.name, { keeper, index, owner, shardMap, autoSize });
    keeper.start();
    this.#options.log.info({ pipeline: settings.name, workers: shards }, 'pipeline added');
  }

  async #change({ keeper }: Kept, settings: PipelineSettings): Promise<void> {
    if (JSON.stringify(keeper.settings) === JSON.stringify(settings)) return;
    const shards = settings.workers === 'auto' ? keeper.shards : settings.workers;
    await keeper.change(settings, this.#wanted.configFolder, shards);
    this.#options.log.info({ pipeline: settings.name, workers: shards }, 'pipeline changed');
  }

  async #remove(name: string, { keeper, shardMap }: Kept): Promise<void> {
    await keeper.stop(REMOVED_STOP_MS);
    this.#kept.delete(name);
    this.#owners.forget(name);
    closeSync(shardMap.fd);
    this.#options.log.info({ pipeline: name }, 'pipeline removed');
  }

  #at(index: number, owner: number, shardMap: ShardMap): PipelinePlace {
    const { descriptors, watch, rows } = this.#rings as Rings;
    const { log, user, dataFolder, logLevel } = this.#options;
    return {
      index,
      owner,
      rings: watch,
      shardMap,
      descriptors: { rows: rows.fd, shardOfSlot: shardMap.fd, rings: descriptors },
      rowOf: (shard, turn) => {
        const row = (index * MAX_WORKERS + shard) * 2 + turn;
        return { index: row, row: rows.row(row) };
      },
      user,
      setup: { dataFolder, logLevel },
      log,
      taps: this.taps,
      desk: this.desk,
    };
  }

  /** Resolves when workers have taken all that is in the rings, or after the time given. */
  async #taken(deadlineMs: number): Promise<void> {
    const limitMs = performance.now() + deadlineMs;
    const isBehind = () => [...this.#kept.values()].some(({ keeper }) => keeper.load().lag > 0);
    while (isBehind() && performance.now() < limitMs) await delay(TAKEN_POLL_MS);
  }

  #check(): void {
    for (const { keeper } of this.#kept.values()) keeper.check();
  }

  #followLoad(): void {
    for (const { keeper, autoSize } of this.#kept.values()) {
      const { settings, shards } = keeper;
      if (settings.workers !== 'auto' || keeper.isChanging) continue;
      const wanted = autoSize.look(keeper.load(), shards, performance.now());
      if (wanted === shards) continue;
      const details = { pipeline: settings.name, from: shards, to: wanted };
      this.#options.log.info(details, 'the number of workers follows the load');
      void keeper.resize(wanted);
    }
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}

/** For processes that are started when the data plane has gone already. */
function ownDescriptors({ ring, states }: RingDescriptors): RingDescriptors {
  return {
    ring: openSync(`/proc/self/fd/${ring}`, 'r'),
    states: openSync(`/proc/self/fd/${states}`, 'r+'),
  };
}

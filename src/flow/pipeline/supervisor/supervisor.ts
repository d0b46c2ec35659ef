import { closeSync } from 'node:fs';
import type { Logger } from 'pino';
import { MAX_PIPELINES, MAX_WORKERS } from '../config/schema.ts';
import type { PipelineSettings, PipelinesConfig } from '../config/settings.ts';
import type { PipelineStats, PipelineStatsSource } from '../stats.ts';
import type { RingDescriptors } from '../worker/descriptors.ts';
import type { WorkerArguments } from '../worker/messages.ts';
import { WorkerRows } from '../worker-row.ts';
import { AutoSize } from './auto-size.ts';
import { PipelineKeeper, type PipelinePlace } from './pipeline-keeper.ts';
import { type Place, Places } from './places.ts';
import { RingWatch, ShardMap } from './ring-watch.ts';

const CHECK_INTERVAL_MS = 500;
const AUTO_INTERVAL_MS = 1000;
/** How long a pipeline that is no more has to deliver what it took. */
const REMOVED_STOP_MS = 5000;

export interface PipelineSupervisorOptions {
  readonly log: Logger;
  /** Whom workers become; undefined = they stay who we are. */
  readonly user: WorkerArguments['user'];
  /** Where workers keep files: it is theirs. */
  readonly dataFolder: string;
  /** Where places are kept: control's own. */
  readonly placesFolder: string;
  readonly logLevel: string;
  /** More workers than this are never started by themselves. */
  readonly cores: number;
}

interface Kept {
  readonly keeper: PipelineKeeper;
  readonly place: Place;
  readonly shardMap: ShardMap;
  readonly autoSize: AutoSize;
}

/** Keeps the workers of all configured pipelines. Forwarders know nothing of it. */
export class PipelineSupervisor implements PipelineStatsSource {
  readonly #options: PipelineSupervisorOptions;
  readonly #places: Places;
  readonly #kept = new Map<string, Kept>();
  #rows: WorkerRows | undefined;
  #rings:
    | { readonly descriptors: readonly RingDescriptors[]; readonly watch: RingWatch }
    | undefined;
  #timers: NodeJS.Timeout[] = [];
  #configured: Promise<void> = Promise.resolve();

  constructor(options: PipelineSupervisorOptions) {
    this.#options = options;
    this.#places = new Places(options.placesFolder);
  }

  /** @param rings of all forwarders */
  start(rings: readonly RingDescriptors[]): void {
    this.#rings = { descriptors: rings, watch: new RingWatch(rings) };
    this.#rows = new WorkerRows(MAX_PIPELINES * MAX_WORKERS * 2);
    this.#timers = [
      setInterval(() => this.#check(), CHECK_INTERVAL_MS),
      setInterval(() => this.#followLoad(), AUTO_INTERVAL_MS),
    ];
  }

  /**
   * Where pipelines of these names are in rings, for the tables of forwarders: before they are configured.
   *
   * @throws Error when that cannot be kept
   */
  assign(names: readonly string[]): ReadonlyMap<string, number> {
    const places = this.#places.assign(names);
    return new Map([...places].map(([name, { index }]) => [name, index]));
  }

  /**
   * Has these pipelines run, and no others. Those that have not changed notice nothing; those that have are replaced
   * without losing their place.
   *
   * @param configFolder what relative paths begin at
   */
  configure(config: PipelinesConfig, configFolder: string): Promise<void> {
    this.#configured = this.#configured.then(() => this.#configure(config, configFolder));
    return this.#configured;
  }

  pipelines(): readonly PipelineStats[] {
    return [...this.#kept.values()].map(({ keeper }) => keeper.stats());
  }

  /** Has all workers deliver what they took, and end. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopTimers();
    await this.#configured;
    await Promise.all([...this.#kept.values()].map(({ keeper }) => keeper.stop(deadlineMs)));
    this.#rows?.close();
  }

  /** Leaves workers to themselves: they end between two batches, and those of the next control go on there. */
  leave(): void {
    this.#stopTimers();
    for (const { keeper } of this.#kept.values()) keeper.leave();
  }

  async #configure({ pipelines }: PipelinesConfig, configFolder: string): Promise<void> {
    const names = new Set(pipelines.map(({ name }) => name));
    const removed = [...this.#kept].filter(([name]) => !names.has(name));
    await Promise.all(removed.map(([name, kept]) => this.#remove(name, kept)));
    const places = this.#places.assign([...names]);
    await Promise.all(
      pipelines.map((settings) => {
        const kept = this.#kept.get(settings.name);
        if (kept !== undefined) return this.#change(kept, settings, configFolder);
        return this.#add(settings, configFolder, places.get(settings.name) as Place);
      }),
    );
  }

  #add(settings: PipelineSettings, configFolder: string, place: Place): void {
    const shardMap = new ShardMap(settings.name);
    const shards = settings.workers === 'auto' ? 1 : settings.workers;
    const keeper = new PipelineKeeper(settings, configFolder, shards, this.#at(place, shardMap));
    const autoSize = new AutoSize(Math.min(MAX_WORKERS, this.#options.cores));
    this.#kept.set(settings.name, { keeper, place, shardMap, autoSize });
    keeper.start();
    this.#options.log.info(
      { pipeline: settings.name, workers: settings.workers },
      'pipeline added',
    );
  }

  async #change({ keeper }: Kept, settings: PipelineSettings, configFolder: string): Promise<void> {
    const before = keeper.settings;
    if (JSON.stringify(before) === JSON.stringify(settings)) return;
    const shards = settings.workers === 'auto' ? keeper.shards : settings.workers;
    await keeper.change(settings, configFolder, shards);
    this.#options.log.info({ pipeline: settings.name, workers: shards }, 'pipeline changed');
  }

  async #remove(name: string, { keeper, shardMap }: Kept): Promise<void> {
    await keeper.stop(REMOVED_STOP_MS);
    this.#kept.delete(name);
    closeSync(shardMap.fd);
    this.#options.log.info({ pipeline: name }, 'pipeline removed');
  }

  #at({ index, owner }: Place, shardMap: ShardMap): PipelinePlace {
    const rings = this.#rings;
    const rows = this.#rows;
    if (rings === undefined || rows === undefined)
      throw new Error('the supervisor has not started');
    const { log, user, dataFolder, logLevel } = this.#options;
    return {
      index,
      owner,
      rings: rings.watch,
      shardMap,
      descriptors: { rows: rows.fd, shardOfSlot: shardMap.fd, rings: rings.descriptors },
      rowOf: (shard, turn) => {
        const row = (index * MAX_WORKERS + shard) * 2 + turn;
        return { index: row, row: rows.row(row) };
      },
      user,
      setup: { dataFolder, logLevel },
      log,
    };
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
      this.#options.log.info(
        { pipeline: settings.name, from: shards, to: wanted },
        'workers follow the load',
      );
      void keeper.resize(wanted);
    }
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}

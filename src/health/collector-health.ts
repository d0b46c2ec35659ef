import type { Logger } from 'pino';
import { Turn } from '../base/turn.ts';
import {
  HEALTH_CHECKS,
  type HealthSummary,
  MAX_TROUBLED,
  turnedBetween,
  type WatchedCollector,
  watchKey,
} from '../model/collector-health.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Collector, Output, RuleSet } from '../model/rules.ts';
import type { Outcome } from './checks/check.ts';
import type { Checks } from './checks/checks.ts';
import { Publication } from './publication.ts';
import { Watch } from './watch.ts';
import { type WatchSettings, watchSettings } from './watch-settings.ts';

/** More than that would take control's time from other things: intervals become longer instead. */
const MAX_CHECKS_PER_SECOND = 4_000;

const NOBODY: ReadonlySet<string> = new Set();

/** A collector is down, or up again. */
export interface HealthChange {
  readonly collector: Endpoint;
  readonly isDown: boolean;
  /** By which check, and what it found. */
  readonly cause: string;
  /** What to do. */
  readonly advice?: string;
}

export interface CollectorHealthOptions {
  readonly checks: Checks;
  /** Of collectors that have no port (spec R5). */
  readonly listeningPort: number;
  /** What is wrong with the way to a collector, as the kernel knows it; undefined: nothing. */
  readonly wayProblem: (endpoint: Endpoint) => string | undefined;
  /** Who was down for the process before, by watchKey(). Asked when there are rules first. */
  readonly downBefore: () => ReadonlySet<string>;
  /** Takes into force that these are down and no others, by watchKey(). Resolves when packets are moved so. */
  readonly publish: (down: ReadonlySet<string>) => Promise<void>;
  readonly tell: (change: HealthChange) => void;
  readonly log: Logger;
}

/** Watches each collector that rules want to have watched, and tells who is down (spec H1 to H5). */
export class CollectorHealth {
  readonly #options: CollectorHealthOptions;
  readonly #publication: Publication;
  readonly #watches = new Map<string, Watch>();
  /** Causes for which collectors cannot be checked, as they were told, with how many there are. */
  readonly #problems = new Map<string, number>();
  /** Who packets do not go to; undefined before there were rules. */
  #published: ReadonlySet<string> | undefined;
  #stretch = 1;
  /** How often the rules have changed. */
  #generation = 0;
  #isStopped = false;

  constructor(options: CollectorHealthOptions) {
    this.#options = options;
    const publish = () => {
      this.#published = this.#down();
      return options.publish(this.#published);
    };
    this.#publication = new Publication({ publish, log: options.log });
  }

  /** Opens what needs privileges: before they are given up. */
  open(): void {
    for (const check of Object.values(this.#options.checks)) check.open?.();
  }

  /** Has the collectors of these rules watched from now on. Who was watched before keeps its state. */
  async watch(ruleSet: RuleSet): Promise<void> {
    const generation = ++this.#generation;
    const wanted = await watchedCollectors(ruleSet);
    // Others were given meanwhile.
    if (this.#isStopped || generation !== this.#generation) return;
    for (const [key, watch] of this.#watches) {
      if (wanted.has(key)) continue;
      watch.stop();
      this.#watches.delete(key);
    }
    const before = this.#published === undefined ? this.#options.downBefore() : NOBODY;
    this.#published ??= before;
    const added = [...wanted].filter(([key]) => !this.#watches.has(key));
    for (const [key, collector] of added)
      this.#watches.set(key, this.#make(collector, before.has(key)));
    // One that went and came back begins as up.
    if (turnedBetween(this.#down(), this.#published).size > 0) this.#publication.request();
    this.#setStretch();
    for (const [key] of added) this.#watches.get(key)?.start();
  }

  stop(): void {
    this.#isStopped = true;
    this.#publication.stop();
    for (const watch of this.#watches.values()) watch.stop();
    for (const check of Object.values(this.#options.checks)) check.close();
  }

  /** What is known of a collector of the rules; undefined when it is not watched. */
  find(collector: Collector): WatchedCollector | undefined {
    const key = watchKey(collector);
    return key === undefined ? undefined : this.#watches.get(key)?.status();
  }

  /** All that are watched. */
  all(): WatchedCollector[] {
    return [...this.#watches.values()].map((watch) => watch.status());
  }

  summary(): HealthSummary {
    const down: Watch[] = [];
    const unchecked: Watch[] = [];
    let unknown = 0;
    for (const watch of this.#watches.values()) {
      if (watch.isDown) down.push(watch);
      else if (watch.hasProblem) unchecked.push(watch);
      if (watch.isUnknown) unknown++;
    }
    const troubled = [...down, ...unchecked].slice(0, MAX_TROUBLED).map((watch) => watch.status());
    return { watched: this.#watches.size, down: down.length, unknown, troubled };
  }

  #down(): Set<string> {
    const down = [...this.#watches].filter(([, watch]) => watch.isDown);
    return new Set(down.map(([key]) => key));
  }

  #make(collector: Collector, wasDown: boolean): Watch {
    return new Watch({
      endpoint: collector.endpoint,
      settings: watchSettings(collector, this.#options.listeningPort),
      wasDown,
      ask: (settings) => this.#ask(settings),
      stretch: () => this.#stretch,
      turned: (watch, before) => this.#turned(watch, before),
      problemChanged: (problem, by) => this.#countProblem(problem, by),
    });
  }

  async #ask(settings: WatchSettings): Promise<Outcome> {
    const { check, endpoint, url, timeoutMs } = settings;
    const outcome = await this.#options.checks[check].ask({ endpoint, url, timeoutMs });
    if (outcome.kind === 'good' && outcome.isSilent !== true) return outcome;
    const problem = this.#options.wayProblem(endpoint);
    if (problem === undefined) return outcome;
    const cause = outcome.kind === 'failed' ? `${outcome.cause}; ${problem}` : problem;
    return { kind: 'failed', cause };
  }

  #turned(watch: Watch, wasDown: boolean): void {
    const { endpoint: collector, check, state, cause } = watch.status();
    if (wasDown || state === 'down') this.#publication.request();
    if (!wasDown && state !== 'down') return;
    const { name, advice } = HEALTH_CHECKS[check];
    this.#options.tell(
      state === 'down'
        ? { collector, isDown: true, cause: `${name}: ${cause}`, advice }
        : { collector, isDown: false, cause: this.#whyUp(watch, name) },
    );
  }

  #whyUp(watch: Watch, name: string): string {
    const { state, problem } = watch.status();
    return state === 'up'
      ? `${name}: it answers again`
      : `${name}: it cannot be checked: ${problem}`;
  }

  /** Told once for each cause, however many collectors it is of. */
  #countProblem(problem: string, by: 1 | -1): void {
    const count = (this.#problems.get(problem) ?? 0) + by;
    if (count === 0) this.#problems.delete(problem);
    else this.#problems.set(problem, count);
    const text = 'collectors cannot be checked: they are taken to be up';
    if (count === 1 && by === 1) this.#options.log.warn({ problem }, text);
  }

  #setStretch(): void {
    let perSecond = 0;
    for (const { settings } of this.#watches.values()) perSecond += 1000 / settings.intervalMs;
    const stretch = Math.max(1, perSecond / MAX_CHECKS_PER_SECOND);
    const text =
      'there are more checks of collectors than a node makes: their intervals are longer';
    if (stretch > 1 && stretch !== this.#stretch)
      this.#options.log.warn({ times: Number(stretch.toFixed(2)), perSecond }, text);
    this.#stretch = stretch;
  }
}

/** Those with health settings, by watchKey(). Lets the process do other things in between. */
async function watchedCollectors({
  rules,
  defaultOutputs,
}: RuleSet): Promise<Map<string, Collector>> {
  const found = new Map<string, Collector>();
  // Many rules have the same outputs.
  const seen = new Set<readonly Output[]>();
  const turn = new Turn();
  const add = (outputs: readonly Output[]) => {
    if (seen.has(outputs)) return;
    seen.add(outputs);
    for (const { collectors = [] } of outputs) {
      for (const collector of collectors) {
        const key = watchKey(collector);
        if (key !== undefined && !found.has(key)) found.set(key, collector);
      }
    }
  };
  for (const { outputs } of rules) {
    if (turn.isOver) await turn.next();
    add(outputs);
  }
  add(defaultOutputs);
  return found;
}

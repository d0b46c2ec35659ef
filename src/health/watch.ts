import type { WatchedCollector } from '../model/collector-health.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Outcome } from './checks/check.ts';
import { Verdict } from './verdict.ts';
import type { WatchSettings } from './watch-settings.ts';

export interface WatchOptions {
  /** Of the collector, as rules name it. */
  readonly endpoint: Endpoint;
  readonly settings: WatchSettings;
  /** It was down when this process began. */
  readonly wasDown: boolean;
  readonly ask: (settings: WatchSettings) => Promise<Outcome>;
  /** How many times as long as asked for intervals are. */
  readonly stretch: () => number;
  /** It has another state. */
  readonly turned: (watch: Watch, wasDown: boolean) => void;
  /** One more, or one less, that cannot be checked for this reason. */
  readonly problemChanged: (problem: string, by: 1 | -1) => void;
}

/** Checks one collector again and again. */
export class Watch {
  readonly endpoint: Endpoint;
  readonly settings: WatchSettings;
  readonly #options: WatchOptions;
  readonly #verdict: Verdict;
  #since = new Date();
  #cause: string | undefined;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the next check is to begin, by `performance.now()`. */
  #dueMs = 0;
  #isStopped = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.endpoint = options.endpoint;
    this.settings = options.settings;
    this.#verdict = new Verdict(options.settings, options.wasDown);
  }

  /** The first check comes within an interval: at a random moment of it, so that checks are spread. */
  start(): void {
    this.#dueMs = performance.now();
    this.#after(Math.random() * this.settings.intervalMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#setProblem(undefined);
  }

  get isDown(): boolean {
    return this.#verdict.state === 'down';
  }

  get isUnknown(): boolean {
    return this.#verdict.state === 'unknown';
  }

  /** It cannot be checked. */
  get hasProblem(): boolean {
    return this.#problem !== undefined;
  }

  status(): WatchedCollector {
    return {
      endpoint: this.endpoint,
      check: this.settings.check,
      state: this.#verdict.state,
      since: this.#since,
      ...(this.#cause === undefined ? {} : { cause: this.#cause }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  /**
   * The next check is due so long after this one was due: one that began late holds up none that follow, or `fall` of
   * them would be late by the sum. What is overdue begins now.
   */
  #after(gapMs: number): void {
    const nowMs = performance.now();
    this.#dueMs = Math.max(nowMs, this.#dueMs + gapMs * this.#options.stretch());
    this.#timer = setTimeout(() => void this.#check(), this.#dueMs - nowMs);
  }

  async #check(): Promise<void> {
    const outcome = await this.#options.ask(this.settings);
    if (this.#isStopped) return;
    this.#take(outcome);
    const { intervalMs, recheckMs } = this.settings;
    this.#after(this.#verdict.isFailing ? recheckMs : intervalMs);
  }

  #take(outcome: Outcome): void {
    this.#setProblem(outcome.kind === 'impossible' ? outcome.cause : undefined);
    this.#cause = outcome.kind === 'failed' ? outcome.cause : undefined;
    const wasDown = this.isDown;
    if (!this.#verdict.take(outcome)) return;
    this.#since = new Date();
    this.#options.turned(this, wasDown);
  }

  #setProblem(problem: string | undefined): void {
    const before = this.#problem;
    if (problem === before) return;
    this.#problem = problem;
    if (before !== undefined) this.#options.problemChanged(before, -1);
    if (problem !== undefined) this.#options.problemChanged(problem, 1);
  }
}

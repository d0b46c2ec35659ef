import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import type { EventSink, NewEvent } from '../model/events.ts';
import type { ExporterReport, SilentExporter } from '../model/exporter-status.ts';
import type { Exporter, RuleSet } from '../model/rules.ts';
import { findNew, newEvent } from './new-exporters.ts';
import { backEvent, lookAtExpected, silentEvent } from './silent-exporters.ts';

/** So many looks in the shortest time that a rule expects … */
const LOOKS = 4;
/** … but no more, and no less often. */
const MIN_INTERVAL_MS = 500;
const MAX_INTERVAL_MS = 30_000;
/** Looks take this part of the time at most. */
const MAX_SHARE = 0.05;
/** Events of one kind in a look; for what is more there is one that says how many. */
const MAX_TOLD = 100;
/** Of those so many are named. */
const MAX_NAMED = 5;

export interface ExporterWatchOptions {
  /** Who sends; of rules without an expectation it need not say that they are silent. */
  readonly report: () => Promise<ExporterReport>;
  readonly rules: () => RuleSet;
  readonly events: EventSink;
  readonly log: Logger;
  /** Milliseconds since 1970; replaced in tests. */
  readonly now?: () => number;
}

/**
 * Looks again and again who has sent, and tells who has fallen silent, sends again or is new (spec S43, S44). All that it
 * remembers between two looks is who is silent.
 */
export class ExporterWatch {
  readonly #options: ExporterWatchOptions;
  readonly #now: () => number;
  /** Those that were told. */
  #silent: ReadonlyMap<string, SilentExporter> = new Map();
  /** Who was seen until then is not new. */
  #knownUntilMs: number;
  #ruleSet: RuleSet | undefined;
  /** When a rule came; of those at the start, when counting began. */
  readonly #sinceMs = new WeakMap<Exporter, number>();
  #hasLooked = false;
  #intervalMs = MAX_INTERVAL_MS;
  #tookMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(options: ExporterWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#knownUntilMs = this.#now();
  }

  start(): void {
    this.#isRunning = true;
    void this.#lookAgain();
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  /** Other rules are in force: they may expect something sooner. */
  rulesChanged(): void {
    if (this.#hasLooked) this.#meetRules(this.#now());
    // Otherwise it looks just now.
    if (this.#timer !== undefined) this.#waitForLook();
  }

  /** Who is silent, as of the last look. */
  silent(): readonly SilentExporter[] {
    return [...this.#silent.values()];
  }

  async look(): Promise<void> {
    const report = await this.#options.report();
    const now = this.#now();
    const { found, knownUntilMs } = await findNew(report, this.#knownUntilMs, now);
    this.#knownUntilMs = knownUntilMs;
    this.#tell(found, newEvent);
    this.#meetRules(this.#hasLooked ? now : report.since.getTime());
    this.#hasLooked = true;
    const sinceMs = (rule: Exporter) => this.#sinceMs.get(rule) ?? now;
    const { silent, back } = await lookAtExpected(report, this.#silent, { nowMs: now, sinceMs });
    const before = this.#silent;
    this.#silent = silent;
    this.#tell([...back.values()], (one) => backEvent(one, now));
    const isTold = (key: string) => before.has(key) && !back.has(key);
    const fallen = [...silent].flatMap(([key, one]) => (isTold(key) ? [] : [one]));
    this.#tell(fallen, (one) => silentEvent(one, now));
  }

  async #lookAgain(): Promise<void> {
    this.#timer = undefined;
    const fromMs = performance.now();
    await this.look().catch((error: unknown) => {
      this.#options.log.warn({ error: messageOf(error) }, 'it is not known who sends');
    });
    this.#tookMs = performance.now() - fromMs;
    if (this.#isRunning) this.#waitForLook();
  }

  #waitForLook(): void {
    clearTimeout(this.#timer);
    const waitMs = Math.max(this.#intervalMs, this.#tookMs / MAX_SHARE);
    this.#timer = setTimeout(() => void this.#lookAgain(), waitMs);
  }

  /** Rules are never changed in place: those that are the same objects are known. */
  #meetRules(sinceMs: number): void {
    const ruleSet = this.#options.rules();
    if (ruleSet === this.#ruleSet) return;
    this.#ruleSet = ruleSet;
    let shortestMs = MAX_INTERVAL_MS * LOOKS;
    for (const { exporter, expectEveryMs } of ruleSet.rules) {
      if (expectEveryMs === undefined) continue;
      shortestMs = Math.min(shortestMs, expectEveryMs);
      if (!this.#sinceMs.has(exporter)) this.#sinceMs.set(exporter, sinceMs);
    }
    this.#intervalMs = Math.max(MIN_INTERVAL_MS, shortestMs / LOOKS);
  }

  /** Of one kind. */
  #tell<T>(all: readonly T[], eventOf: (one: T) => NewEvent): void {
    const { events } = this.#options;
    for (const one of all.slice(0, MAX_TOLD)) events.emit(eventOf(one));
    const more = all.slice(MAX_TOLD);
    const [first] = more;
    if (first === undefined) return;
    events.emit({
      kind: eventOf(first).kind,
      subject: `${more.length} more`,
      exporters: more.slice(0, MAX_NAMED).map((one) => eventOf(one).subject),
      cause: 'at the same time as others, which were told one by one',
    });
  }
}

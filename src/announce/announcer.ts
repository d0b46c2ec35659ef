import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import type { HealthJudge, Observation } from './health-judge.ts';
import type { RouteBackend } from './route-backend.ts';

/** Routes are compared with what they should be this often: a routing daemon that was restarted has lost them. */
const RECONCILE_INTERVAL_MS = 1_000;

/** How long the withdrawal at the end may take. */
const STOP_LIMIT_MS = 5_000;

/** A failure that lasts is logged again after this time. */
const REPEAT_LOG_INTERVAL_MS = 60_000;

export interface AnnouncerParts {
  readonly probe: { check(): Promise<Observation>; close(): void };
  readonly judge: HealthJudge;
  readonly backend: RouteBackend;
  /** Canonical. */
  readonly addresses: readonly string[];
  /** Between two looks at the proxy. */
  readonly intervalMs: number;
  readonly onExit: 'withdraw' | 'keep';
  readonly log: Logger;
}

/** Announces the service addresses while the proxy is well, and withdraws them while it is not. */
export class Announcer {
  readonly #parts: AnnouncerParts;
  /** undefined: no verdict yet, so that nothing is touched. */
  #isWanted: boolean | undefined;
  #reason = '';
  #lastReason = '';
  #timers: readonly NodeJS.Timeout[] = [];
  /** The change of routes at work, and those that wait behind it. */
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #failure: { readonly message: string; readonly atMs: number } | undefined;
  #isStopping = false;
  readonly #counts = { good: 0, bad: 0, announcements: 0, withdrawals: 0, failures: 0 };
  /** As the routing daemon said last. */
  #announced: ReadonlySet<string> = new Set();

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { addresses, backend, intervalMs, log } = this.#parts;
    log.info({ addresses, by: backend.name }, 'announcer runs');
    this.#enqueue(() => this.#takeStock());
    this.#timers = [
      setInterval(() => this.#look(), intervalMs),
      setInterval(() => this.#reconcile(), RECONCILE_INTERVAL_MS),
    ];
    this.#look();
  }

  /** What it has done since it was started, and what is announced as far as it knows. */
  figures() {
    const announced = this.#parts.addresses.map((address) => {
      return [address, this.#announced.has(address)] as const;
    });
    return { ...this.#counts, announced: new Map(announced), isWanted: this.#isWanted };
  }

  /**
   * Withdraws the addresses, unless they are to stay.
   *
   * @returns whether the routes are as they should be
   */
  async stop(): Promise<boolean> {
    const { addresses, backend, onExit, probe, log } = this.#parts;
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (onExit === 'keep') {
      log.info({ addresses }, 'announcer ends and leaves the routes as they are');
    } else {
      this.#want(false, 'the announcer ends');
    }
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(() => limit.resolve(), STOP_LIMIT_MS);
    await Promise.race([this.#work, limit.promise]);
    clearTimeout(timer);
    probe.close();
    backend.close();
    return onExit === 'keep' || (this.#failure === undefined && this.#waiting === 0);
  }

  #look(): void {
    // Looks may overlap: a proxy that hangs must not slow them down.
    this.#parts.probe.check().then(
      (observation) => this.#observe(observation),
      (error: unknown) => this.#observe({ isGood: false, reason: messageOf(error) }),
    );
  }

  #observe(observation: Observation): void {
    if (this.#isStopping) return;
    this.#counts[observation.isGood ? 'good' : 'bad'] += 1;
    const { judge, log } = this.#parts;
    if (observation.reason !== this.#lastReason) {
      log.debug({ health: observation.reason }, 'health of the proxy');
      this.#lastReason = observation.reason;
    }
    const verdict = judge.observe(observation, performance.now());
    if (verdict === undefined) return;
    if (verdict.kind === 'well') {
      log.info('the proxy is well: it gets its share');
      this.#want(true, 'the proxy is well');
      return;
    }
    const { reason, holdMs } = verdict;
    log.warn({ reason }, 'the proxy is not well: the network has to do without it');
    if (holdMs > 0) {
      log.warn({ holdSeconds: holdMs / 1000 }, 'the proxy flaps: it is kept out for a while');
    }
    this.#want(false, reason);
  }

  #want(isWanted: boolean, reason: string): void {
    this.#isWanted = isWanted;
    this.#reason = reason;
    this.#enqueue(() => this.#adjust());
  }

  #reconcile(): void {
    if (this.#waiting === 0) this.#enqueue(() => this.#adjust());
  }

  /** One change of routes at a time, each by what is wanted then. */
  #enqueue(step: () => Promise<void>): void {
    this.#waiting += 1;
    this.#work = this.#work.then(step).then(
      () => {
        this.#waiting -= 1;
        this.#succeeded();
      },
      (error: unknown) => {
        this.#waiting -= 1;
        this.#failed(messageOf(error));
      },
    );
  }

  async #takeStock(): Promise<void> {
    this.#announced = await this.#parts.backend.announced();
    const announced = [...this.#announced];
    this.#parts.log.info({ announced }, 'routes found at the start');
  }

  async #adjust(): Promise<void> {
    const { addresses, backend, log } = this.#parts;
    const isWanted = this.#isWanted;
    const reason = this.#reason;
    if (isWanted === undefined) return;
    const announced = await backend.announced();
    this.#announced = announced;
    const wrong = addresses.filter((address) => announced.has(address) !== isWanted);
    const changes = wrong.map(async (address) => {
      await (isWanted ? backend.announce(address) : backend.withdraw(address));
      this.#counts[isWanted ? 'announcements' : 'withdrawals'] += 1;
      log.info({ address, reason }, isWanted ? 'announced' : 'withdrawn');
    });
    const failed = (await Promise.allSettled(changes)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    // What changes from now on was not the proxy's doing.
    if (this.#reason === reason) this.#reason = 'the routes were not as they should be';
  }

  #succeeded(): void {
    if (this.#failure !== undefined) this.#parts.log.info('routes can be changed again');
    this.#failure = undefined;
  }

  #failed(message: string): void {
    this.#counts.failures += 1;
    const nowMs = performance.now();
    const last = this.#failure;
    if (last?.message === message && nowMs - last.atMs < REPEAT_LOG_INTERVAL_MS) return;
    this.#failure = { message, atMs: nowMs };
    this.#parts.log.error({ error: message }, 'routes are not as they should be; trying again');
  }
}

import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import { withoutControls } from '../base/text.ts';
import { notify } from '../native/notify.ts';

const LOOK_INTERVAL_MS = 1000;

/** How often the manager hears of a service that is well, in the time after which it ends a silent one. */
const SIGNS_OF_LIFE = 3;

/** A service that answers calls, and says by its state what it lacks, is ready after so long. */
const READY_LIMIT_MS = 30_000;

/** Of what `systemctl status` shows. */
const MAX_STATUS_CHARS = 300;

/** Beyond what ends by itself: the time for closing. */
const STOP_SECONDS = 10;

export interface ServiceManagerOptions {
  /** NOTIFY_SOCKET and WATCHDOG_… are taken out of it: children must not speak for the service. */
  readonly env: NodeJS.ProcessEnv;
  /** How the service does, in a line. */
  readonly describe: () => string;
  /** Why the service has to be ended and started again although it runs; undefined when it need not. */
  readonly fault: () => string | undefined;
  readonly log: Logger;
}

/**
 * Tells the service manager how the service does (sd_notify(3)): systemd with `Type=notify`, and others that have learnt
 * it. Does nothing where nobody asks, and never fails.
 */
export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  readonly #socket: string | undefined;
  readonly #watchdogMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isReady = false;
  #isReadyTold = false;
  #reloads = 0;
  #told: string | undefined;
  #fault: string | undefined;
  #error: string | undefined;

  constructor(options: ServiceManagerOptions) {
    const { env } = options;
    this.#options = options;
    this.#socket = env['NOTIFY_SOCKET'] || undefined;
    this.#watchdogMs = watchdogMs(env);
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  }

  /** From now on signs of life, and the state when it changes. */
  start(): void {
    if (this.#socket === undefined) return;
    const interval = Math.min(LOOK_INTERVAL_MS, (this.#watchdogMs ?? Infinity) / SIGNS_OF_LIFE);
    // A service that ends before it is ready is not held up.
    this.#timer = setInterval(() => this.look(), interval).unref();
  }

  /** The service is ready when the job is done, and in any case soon: a disk that hangs must not keep it from being so. */
  async readyAfter(job: Promise<void>): Promise<void> {
    const limit = setTimeout(() => this.#ready(), READY_LIMIT_MS);
    await job;
    clearTimeout(limit);
    this.#ready();
  }

  /** The manager waits for the job, of somebody who asked for it by SIGHUP. */
  async whileReloading(job: () => Promise<void>): Promise<void> {
    const monotonicUs = process.hrtime.bigint() / 1000n;
    if (this.#reloads++ === 0) this.#send(`RELOADING=1\nMONOTONIC_USEC=${monotonicUs}`);
    try {
      await job();
    } finally {
      if (--this.#reloads === 0) {
        this.#isReadyTold = false;
        this.look();
      }
    }
  }

  /** The service ends. @param limitSeconds how long it may take before it closes */
  stopping(limitSeconds: number): void {
    const limitUs = (limitSeconds + STOP_SECONDS) * 1_000_000;
    this.#send(`STOPPING=1\nEXTEND_TIMEOUT_USEC=${limitUs}`);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #ready(): void {
    this.#isReady = true;
    this.look();
  }

  /** One look at the service. */
  look(): void {
    if (this.#socket === undefined) return;
    this.#tellReady();
    this.#tellStatus();
    if (this.#watchdogMs !== undefined) this.#tellLife(this.#watchdogMs);
  }

  #tellReady(): void {
    if (!this.#isReady || this.#isReadyTold || this.#reloads > 0) return;
    this.#isReadyTold = this.#send('READY=1');
  }

  #tellStatus(): void {
    const status = withoutControls(this.#options.describe()).slice(0, MAX_STATUS_CHARS);
    if (status !== this.#told && this.#send(`STATUS=${status}`)) this.#told = status;
  }

  /** Silence ends the service: the manager kills it and starts it again. */
  #tellLife(limitMs: number): void {
    const fault = this.#options.fault();
    if (fault === undefined) this.#send('WATCHDOG=1');
    else if (this.#fault === undefined) {
      this.#options.log.error(
        { fault, limitMs },
        'the service is not well: if it stays so, the service manager starts it again',
      );
    }
    this.#fault = fault;
  }

  /** @returns whether it was taken */
  #send(text: string): boolean {
    if (this.#socket === undefined) return false;
    try {
      notify(this.#socket, text);
      this.#error = undefined;
      return true;
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== this.#error) {
        this.#options.log.warn({ error: reason }, 'the service manager cannot be told');
      }
      this.#error = reason;
      return false;
    }
  }
}

/** After how long a silence the manager ends this process; undefined when it does not (sd_watchdog_enabled(3)). */
function watchdogMs(env: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC: limitUs, WATCHDOG_PID: pid } = env;
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  const limitMs = Number(limitUs) / 1000;
  return limitMs > 0 && Number.isFinite(limitMs) ? limitMs : undefined;
}

import type { Logger } from 'pino';

const INTERVAL_MS = 10_000;

interface Said {
  atMs: number;
  suppressed: number;
}

/** Says the same thing once in ten seconds, with how often it was not said meanwhile. */
export class SeldomLog {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #said = new Map<string, Said>();

  /** @param now milliseconds, replaced in tests */
  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** @param message a constant text: what changes goes into `details` */
  error(details: Readonly<Record<string, unknown>>, message: string): void {
    this.#say('error', details, message);
  }

  warn(details: Readonly<Record<string, unknown>>, message: string): void {
    this.#say('warn', details, message);
  }

  #say(level: 'error' | 'warn', details: Readonly<Record<string, unknown>>, message: string): void {
    const now = this.#now();
    const said = this.#said.get(message);
    if (said !== undefined && now - said.atMs < INTERVAL_MS) {
      said.suppressed++;
      return;
    }
    const suppressed = said?.suppressed ?? 0;
    this.#said.set(message, { atMs: now, suppressed: 0 });
    this.#log[level](suppressed === 0 ? details : { ...details, suppressed }, message);
  }
}

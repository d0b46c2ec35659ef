import type { Logger } from 'pino';
import type { State, SubsystemStatus } from '../model/status.ts';
import type { SystemStatus } from '../telemetry/status.ts';

const INTERVAL_MS = 500;

/** Says in the log when a subsystem comes into another state, and why. */
export class StateLog {
  readonly #status: () => Pick<SystemStatus, 'proxy' | 'database'>;
  readonly #log: Logger;
  #last: { readonly proxy: State; readonly database: State } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(status: () => Pick<SystemStatus, 'proxy' | 'database'>, log: Logger) {
    this.#status = status;
    this.#log = log;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The states at the first look are no news. */
  look(): void {
    const { proxy, database } = this.#status();
    if (this.#last !== undefined) {
      this.#report('proxy', this.#last.proxy, proxy);
      this.#report('database', this.#last.database, database);
    }
    this.#last = { proxy: proxy.state, database: database.state };
  }

  #report(subsystem: 'proxy' | 'database', before: State, { state, error }: SubsystemStatus): void {
    if (state === before) return;
    const details = { subsystem, state, before, ...(error === undefined ? {} : { error }) };
    if (state === 'OK') this.#log.info(details, `the ${subsystem} is OK again`);
    else this.#log.warn(details, `the ${subsystem} is ${state}`);
  }
}

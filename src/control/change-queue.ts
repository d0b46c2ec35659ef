import type { Logger } from 'pino';
import { FloxyError } from '../base/errors.ts';

/** Runs jobs one after the other, in the order in which they came. A job that fails harms no other. */
export class ChangeQueue {
  readonly #log: Logger;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @returns what the job returns; NOT_READY once the queue is closed */
  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#isClosed) throw new FloxyError('NOT_READY', 'the service is stopping');
      return job();
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** Runs what nobody waits for, unless the service is stopping. Never rejects. */
  async runInBackground(job: () => Promise<void>): Promise<void> {
    try {
      await this.run(job);
    } catch (error) {
      if (error instanceof FloxyError && error.code === 'NOT_READY') return;
      this.#log.error({ err: error }, 'rules not put in force');
    }
  }

  /** Waits for the job at work; those that wait fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }
}

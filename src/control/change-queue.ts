import { FloxyError } from '../base/errors.ts';

/** Runs jobs one after the other, in the order in which they came. A job that fails harms no other. */
export class ChangeQueue {
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** @returns what the job returns; NOT_READY once the queue is closed */
  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#isClosed) throw new FloxyError('NOT_READY', 'the service is stopping');
      return job();
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** Waits for the job at work; those that wait fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }
}

import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import type { HttpListener } from '../web/http-listener.ts';

/** An address that cannot be listened on is tried again so often. */
const RETRY_MS = 5000;

/**
 * Has pages served. An address that cannot be listened on is told once and tried again: it must not keep the service from
 * its work.
 */
export class KeptListener {
  readonly #listener: HttpListener;
  readonly #log: Logger;
  #retryTimer: NodeJS.Timeout | undefined;
  #isStopping = false;
  /** What was told last of why pages cannot be served. */
  #problem: string | undefined;

  constructor(listener: HttpListener, log: Logger) {
    this.#listener = listener;
    this.#log = log;
  }

  /** Resolves after the first attempt. */
  async start(): Promise<void> {
    try {
      await this.#listener.start();
    } catch (error) {
      const problem = messageOf(error);
      if (problem !== this.#problem) {
        this.#log.warn({ error: problem, retryMs: RETRY_MS }, 'monitoring is not served');
      }
      this.#problem = problem;
      if (!this.#isStopping) this.#retryTimer = setTimeout(() => void this.start(), RETRY_MS);
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#retryTimer);
    await this.#listener.stop();
  }
}

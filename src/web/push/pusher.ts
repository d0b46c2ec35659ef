import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import type { PointBatch } from './points.ts';
import { type MetricsSink, RefusedError } from './sink.ts';

/** An hour of minutes. */
const MAX_WAITING = 60;
const SEND_MS = 10_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;

export interface PusherOptions {
  readonly sink: MetricsSink;
  readonly log: Logger;
  /** Replaced in tests. */
  readonly firstDelayMs?: number;
}

/**
 * Sends batches to one sink in their order. While it cannot be reached they wait, the last hour or so of them, and it is
 * tried again with growing delays.
 */
export class Pusher {
  readonly #options: PusherOptions;
  readonly #stopping = new AbortController();
  #waiting: PointBatch[] = [];
  #sending: Promise<void> | undefined;
  #dropped = 0;

  constructor(options: PusherOptions) {
    this.#options = options;
  }

  /** Batches that were given up: too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  push(batch: PointBatch): void {
    this.#waiting.push(batch);
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#dropped++;
    }
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  /** What waits is given up. */
  async stop(): Promise<void> {
    this.#waiting = [];
    this.#stopping.abort();
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    let failures = 0;
    for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
      const error = await this.#attempt(batch);
      if (this.#stopping.signal.aborted) return;
      this.#tell(error, failures);
      if (error === undefined || error instanceof RefusedError) {
        failures = 0;
        // It may have been dropped meanwhile.
        if (this.#waiting[0] === batch) this.#waiting.shift();
      } else await this.#pause(++failures);
    }
  }

  /** Says what has changed. @param failures in a row before */
  #tell(error: Error | undefined, failures: number): void {
    const { sink, log } = this.#options;
    const to = sink.name;
    if (error instanceof RefusedError) log.warn({ to, error: error.message }, 'metrics refused');
    else if (error === undefined && failures > 0) log.info({ to, failures }, 'metrics are pushed');
    else if (error !== undefined && failures === 0) {
      log.warn({ to, error: reasonOf(error) }, 'metrics cannot be pushed; they wait');
    }
  }

  async #attempt(batch: PointBatch): Promise<Error | undefined> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(SEND_MS)]);
    try {
      await this.#options.sink.send(batch, signal);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error));
    }
  }

  async #pause(failures: number): Promise<void> {
    const { firstDelayMs = FIRST_DELAY_MS } = this.#options;
    const delayMs = Math.min(firstDelayMs * 2 ** (failures - 1), LONGEST_DELAY_MS);
    const { signal } = this.#stopping;
    await delay(delayMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** fetch() says "fetch failed" and why in its cause. */
function reasonOf(error: Error): string {
  return error.cause === undefined ? error.message : messageOf(error.cause);
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import type { PointBatch } from './points.ts';
import { type MetricsSink, RefusedError } from './sink.ts';

/** Some 20 MB. */
const MAX_WAITING_POINTS = 100_000;
/** An hour of minutes. */
const MAX_WAITING_PUSHES = 60;
const SEND_MS = 10_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;

export interface PusherOptions {
  readonly sink: MetricsSink;
  readonly log: Logger;
  /** Replaced in tests. */
  readonly firstDelayMs?: number;
}

/** What became of points, since the service was started. */
export interface PushFigures {
  /** `influxdb` or `opentsdb`. */
  readonly to: string;
  readonly sent: number;
  /** The other end does not want them. */
  readonly refused: number;
  /** Given up: too many waited. */
  readonly dropped: number;
  readonly waiting: number;
  /** Attempts that failed. */
  readonly failures: number;
}

/** What was seen at one time, in parts that are sent one by one. */
type Push = PointBatch[];

/**
 * Sends batches to one sink in their order. While it cannot be reached they wait, the last hour or so of them, and it is
 * tried again with growing delays.
 */
export class Pusher {
  readonly #options: PusherOptions;
  readonly #stopping = new AbortController();
  #waiting: Push[] = [];
  #waitingPoints = 0;
  #sending: Promise<void> | undefined;
  #sent = 0;
  #refused = 0;
  #dropped = 0;
  #failures = 0;
  /** What was told last: the same again is no news. */
  #refusal: string | undefined;

  constructor(options: PusherOptions) {
    this.#options = options;
  }

  figures(): PushFigures {
    return {
      to: this.#options.sink.kind,
      sent: this.#sent,
      refused: this.#refused,
      dropped: this.#dropped,
      waiting: this.#waitingPoints,
      failures: this.#failures,
    };
  }

  /** @param batches of one time */
  push(batches: readonly PointBatch[]): void {
    this.#waiting.push([...batches]);
    this.#waitingPoints += countPoints(batches);
    this.#dropOldest();
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  /** What waits is given up. */
  async stop(): Promise<void> {
    this.#waiting = [];
    this.#waitingPoints = 0;
    this.#stopping.abort();
    await this.#sending;
  }

  /** Always keeps the latest push, however large it is. */
  #dropOldest(): void {
    const isTooMuch = () =>
      this.#waiting.length > MAX_WAITING_PUSHES || this.#waitingPoints > MAX_WAITING_POINTS;
    while (this.#waiting.length > 1 && isTooMuch()) {
      const points = countPoints(this.#waiting.shift() ?? []);
      this.#waitingPoints -= points;
      this.#dropped += points;
    }
  }

  /** The next batch to send; undefined when all is sent. */
  #next(): PointBatch | undefined {
    while (this.#waiting[0]?.length === 0) this.#waiting.shift();
    return this.#waiting[0]?.[0];
  }

  async #sendAll(): Promise<void> {
    let failures = 0;
    for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
      const error = await this.#attempt(batch);
      if (this.#stopping.signal.aborted) return;
      this.#tell(error, failures);
      if (error === undefined || error instanceof RefusedError) {
        failures = 0;
        this.#settle(batch, error === undefined);
      } else {
        this.#failures++;
        await this.#pause(++failures);
      }
    }
  }

  /** It has arrived, or is refused, unless it was dropped meanwhile. */
  #settle(batch: PointBatch, isSent: boolean): void {
    if (this.#waiting[0]?.[0] !== batch) return;
    this.#waiting[0].shift();
    const points = batch.points.length;
    this.#waitingPoints -= points;
    if (isSent) this.#sent += points;
    else this.#refused += points;
  }

  /** Says what has changed. @param failures in a row before */
  #tell(error: Error | undefined, failures: number): void {
    const { sink, log } = this.#options;
    const to = sink.name;
    const refusal = error instanceof RefusedError ? error.message : undefined;
    if (refusal !== undefined && refusal !== this.#refusal) {
      log.warn({ to, error: refusal }, 'metrics refused');
    }
    if (error === undefined || refusal !== undefined) this.#refusal = refusal;
    if (refusal !== undefined) return;
    if (error === undefined && failures > 0) log.info({ to, failures }, 'metrics are pushed');
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

function countPoints(batches: readonly PointBatch[]): number {
  return batches.reduce((sum, { points }) => sum + points.length, 0);
}

/** fetch() says "fetch failed" and why in its cause. */
function reasonOf(error: Error): string {
  return error.cause === undefined ? error.message : messageOf(error.cause);
}

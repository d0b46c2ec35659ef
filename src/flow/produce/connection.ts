import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { ProducerStatus } from '../model/producer.ts';
import { Backoff } from './backoff.ts';
import { type Link, type LinkEvents, type Outcome, within } from './link.ts';
import type { CommonOptions } from './options.ts';

export interface ConnectionParts {
  readonly options: CommonOptions;
  readonly log: Logger;
  /** Of the peer, in messages. */
  readonly name: string;
  readonly link: (events: LinkEvents) => Link;
  /** Told when the connection came or went. */
  readonly changed: () => void;
  /** Ends everything. */
  readonly ended: AbortSignal;
}

/** A link with time limits, growing delays between attempts, and a state to show. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #link: Link;
  readonly #backoff: Backoff;
  #status: ProducerStatus = { state: 'connecting' };
  /** Of the present connection, when there is one: aborted when it is lost. */
  #life: AbortController | undefined;
  #since = 0;
  /** The last batch was not taken: that it can be connected to does not make it well. */
  #refuses = false;

  constructor(parts: ConnectionParts) {
    const { options, link } = parts;
    this.#parts = parts;
    this.#backoff = new Backoff(options.retry_delay, options.retry_delay_max);
    this.#link = link({ lost: (error) => this.#lost(error) });
  }

  get status(): ProducerStatus {
    return this.#status;
  }

  get connected(): boolean {
    return this.#life !== undefined && !this.#life.signal.aborted;
  }

  /** Tries once, after the wait that is due. */
  async connect(): Promise<void> {
    const { options, ended } = this.#parts;
    try {
      if (this.#life !== undefined) await this.#afterLoss();
      await this.#limited(options.connect_timeout, 'no connection', (signal) =>
        this.#link.connect(signal),
      );
      this.#life = new AbortController();
      this.#since = performance.now();
      if (!this.#refuses) this.#ok();
    } catch (error) {
      if (ended.aborted) return;
      this.#failing(error);
      await this.close();
      await this.pause();
    }
  }

  /** @throws when the connection broke: the batch is to be sent again */
  async send(batch: EncodedBatch): Promise<Outcome | undefined> {
    const life = this.#life?.signal;
    try {
      life?.throwIfAborted();
      const { send_timeout } = this.#parts.options;
      const work = (signal: AbortSignal) => this.#link.send(batch, signal);
      const outcome = await this.#limited(send_timeout, 'no acknowledgement', work, life);
      if (outcome === undefined) this.#worked();
      else this.#partly(outcome);
      return outcome;
    } catch (error) {
      this.#refuses = true;
      if (!this.#parts.ended.aborted) this.#lost(error);
      throw error;
    }
  }

  /** The wait before another attempt. */
  async pause(): Promise<void> {
    const { ended } = this.#parts;
    await sleep(this.#backoff.next(), undefined, { signal: ended }).catch(() => undefined);
  }

  /** Closes the link; one that hangs is left alone. */
  async close(): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#parts.options.connect_timeout).unref();
    await within(late.signal, this.#link.close()).catch(() => undefined);
    clearTimeout(timer);
  }

  async #afterLoss(): Promise<void> {
    this.#life = undefined;
    await this.close();
    if (performance.now() - this.#since > this.#parts.options.retry_delay_max)
      this.#backoff.reset();
    await this.pause();
  }

  /** Gives work a signal that tells its end by time, loss or stop, and does not wait longer for it. */
  async #limited<T>(
    ms: number,
    missing: string,
    work: (signal: AbortSignal) => Promise<T>,
    life?: AbortSignal,
  ) {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`${missing} within ${ms} ms`)), ms);
    const signals = [late.signal, this.#parts.ended, ...(life ? [life] : [])];
    try {
      const signal = AbortSignal.any(signals);
      signal.throwIfAborted();
      return await within(signal, work(signal));
    } finally {
      clearTimeout(timer);
    }
  }

  #lost(error: unknown): void {
    if (this.#life === undefined || this.#life.signal.aborted) return;
    this.#life.abort(error);
    this.#failing(error);
    this.#parts.changed();
  }

  #partly({ again = [], error }: Outcome): void {
    this.#refuses = again.length > 0;
    this.#failing(error);
  }

  #worked(): void {
    this.#refuses = false;
    this.#backoff.reset();
    this.#ok();
  }

  #ok(): void {
    if (this.#status.state === 'ok') return;
    this.#status = { state: 'ok' };
    this.#parts.log.info(`${this.#parts.name}: connected`);
    this.#parts.changed();
  }

  #failing(thrown: unknown): void {
    const error = `${this.#parts.name}: ${messageOf(thrown)}`;
    if (this.#status.error === error) return;
    this.#status = { state: 'failing', error };
    this.#parts.log.warn(error);
  }
}

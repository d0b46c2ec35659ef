import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../../base/errors.ts';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type {
  Producer,
  ProducerContext,
  ProducerCounters,
  ProducerStatus,
} from '../model/producer.ts';
import { Accounts } from './accounts.ts';
import { Backlog } from './backlog.ts';
import { Batcher, pick, weightOf } from './batcher.ts';
import { Connection } from './connection.ts';
import { type Link, type LinkEvents, type Outcome, within } from './link.ts';
import type { CommonOptions } from './options.ts';
import { Spool } from './spool.ts';
import { Wakeup } from './wakeup.ts';

/** Dropped records are logged at most so often. */
const DROPS_LOGGED_MS = 10_000;
/** Part of the time for stopping that is kept for closing. */
const CLOSING_PART = 0.2;

export interface QueuedProducerParts {
  readonly options: CommonOptions;
  /** Where it works. */
  readonly context: ProducerContext;
  /** Of the peer, in messages: `nsq at 127.0.0.1:4150`. */
  readonly name: string;
  /** Batches are of one protocol each, because it is part of where they go. */
  readonly byProtocol?: boolean;
  readonly link: (events: LinkEvents) => Link;
}

/**
 * What producers of all kinds have in common: a bounded queue, batches, attempts with growing delays, state, accounts,
 * deadlines. A kind gives a `Link`.
 *
 * Batches go one at a time, so messages stay in order over failures. What was under way when a connection broke is sent
 * again: the peer may have it twice.
 */
export class QueuedProducer implements Producer {
  readonly #options: CommonOptions;
  readonly #log: Logger;
  readonly #name: string;
  readonly #accounts = new Accounts();
  readonly #batcher: Batcher;
  readonly #backlog: Backlog;
  readonly #spool: Spool | undefined;
  readonly #connection: Connection;
  readonly #wakeup = new Wakeup();
  readonly #ended = new AbortController();
  /** Of the head of the backlog. */
  #attempts = 0;
  #stopping = false;
  #running: Promise<void> | undefined;
  #delay: NodeJS.Timeout | undefined;
  #drops = { loggedAt: Number.NEGATIVE_INFINITY, records: 0 };

  /** @throws FloxyError INVALID_INPUT: a spool is wanted where there is no folder for it */
  constructor({ options, context, name, byProtocol = false, link }: QueuedProducerParts) {
    const { log } = context;
    this.#options = options;
    this.#log = log;
    this.#name = name;
    this.#spool = spoolFor(options, context);
    this.#backlog = new Backlog({
      accounts: this.#accounts,
      memory: options.queue_bytes,
      spool: this.#spool,
      connected: () => this.#connection.connected,
      ready: () => this.#wakeup.call(),
    });
    const limits = { bytes: options.batch_bytes, messages: options.batch_messages, byProtocol };
    this.#batcher = new Batcher(limits, (batch) => this.#backlog.push(batch));
    const changed = () => {
      this.#backlog.spill();
      this.#wakeup.call();
    };
    const ended = this.#ended.signal;
    this.#connection = new Connection({ options, log, name, link, changed, ended });
  }

  get status(): ProducerStatus {
    const { status } = this.#connection;
    const problem = this.#spool?.problem;
    if (problem === undefined) return status;
    return { state: 'failing', error: [status.error, problem].filter(Boolean).join('; ') };
  }

  get counters(): Readonly<ProducerCounters> {
    return this.#accounts.counters;
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    await this.#backlog.open();
    this.#running = this.#run();
  }

  offer(batch: EncodedBatch): boolean {
    if (batch.ends.length === 0) return true;
    if (this.#stopping || !this.#hasRoom(batch)) {
      this.#drop(batch.records);
      return false;
    }
    this.#accounts.offered(batch.records);
    this.#backlog.enter(batch);
    this.#batcher.add(batch);
    if (this.#batcher.empty) this.#cancelDelay();
    else this.#delay ??= setTimeout(() => this.#closeBatch(), this.#options.batch_delay);
    this.#wakeup.call();
    return true;
  }

  async flush(deadlineMs: number): Promise<void> {
    this.#closeBatch();
    await this.#accounts.settled(deadlineMs);
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    // Without its peer, what waits is better off in the spool.
    const useful = this.#connection.connected || this.#spool === undefined;
    if (this.#running !== undefined && useful) await this.flush(deadlineMs * (1 - CLOSING_PART));
    this.#closeBatch();
    this.#ended.abort(new Error('the producer was stopped'));
    this.#wakeup.call();
    const limit = () =>
      AbortSignal.timeout(Math.max(1, Math.ceil((deadlineMs * CLOSING_PART) / 2)));
    const hung = (error: unknown) =>
      this.#log.warn(`${this.#name}: not closed in time: ${messageOf(error)}`);
    await within(limit(), Promise.all([this.#running, this.#connection.close()])).catch(hung);
    const lost = await within(limit(), this.#backlog.close()).catch((error: unknown) => {
      hung(error);
      return this.#backlog.memoryRecords;
    });
    this.#accounts.failed(lost);
  }

  #hasRoom(batch: EncodedBatch): boolean {
    const { queue_bytes, queue_records } = this.#options;
    const bytes = this.counters.queuedBytes + weightOf(batch);
    return bytes <= queue_bytes && this.#backlog.memoryRecords + batch.records <= queue_records;
  }

  #drop(records: number): void {
    this.#accounts.dropped(records);
    this.#drops.records += records;
    const now = performance.now();
    if (now - this.#drops.loggedAt < DROPS_LOGGED_MS) return;
    const why = this.#stopping ? 'it is being stopped' : 'its queue is full';
    this.#log.warn(`${this.#name}: ${this.#drops.records} records were dropped: ${why}`);
    this.#drops = { loggedAt: now, records: 0 };
  }

  #closeBatch(): void {
    this.#cancelDelay();
    this.#batcher.close();
    this.#wakeup.call();
  }

  #cancelDelay(): void {
    clearTimeout(this.#delay);
    this.#delay = undefined;
  }

  async #run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      if (!this.#connection.connected) {
        await this.#connection.connect();
        continue;
      }
      const batch = await this.#backlog.head();
      if (batch === undefined) await this.#wakeup.sleep();
      else await this.#send(batch);
    }
  }

  async #send(batch: EncodedBatch): Promise<void> {
    if (this.#attempts > 0) this.#accounts.retried(batch.records);
    this.#attempts++;
    try {
      const outcome = await this.#connection.send(batch);
      if (outcome === undefined) this.#delivered(batch);
      else await this.#partly(batch, outcome);
    } catch {
      if (!this.#ended.signal.aborted && this.#exhausted) this.#giveUp(batch.records);
    }
  }

  get #exhausted(): boolean {
    const { retry_attempts } = this.#options;
    return retry_attempts > 0 && this.#attempts >= retry_attempts;
  }

  #delivered(batch: EncodedBatch): void {
    this.#removeHead();
    this.#accounts.delivered(batch);
  }

  async #partly(batch: EncodedBatch, { refused = [], again = [] }: Outcome): Promise<void> {
    const open = new Set([...refused, ...again]);
    const taken = Array.from(batch.ends.keys()).filter((i) => !open.has(i));
    const rest = pick(batch, again);
    const refusedRecords = pick(batch, refused).records;
    if (rest.ends.length > 0) this.#backlog.replaceHead(rest);
    else this.#removeHead();
    this.#accounts.delivered(pick(batch, taken));
    this.#accounts.failed(refusedRecords);
    if (rest.ends.length === 0) return;
    if (rest.ends.length < batch.ends.length) this.#attempts = 0;
    if (this.#exhausted) this.#giveUp(rest.records);
    else await this.#connection.pause();
  }

  #giveUp(records: number): void {
    this.#removeHead();
    this.#accounts.failed(records);
    this.#log.error(
      `${this.#name}: ${records} records were given up after ${this.#options.retry_attempts} attempts`,
    );
  }

  #removeHead(): void {
    this.#backlog.removeHead();
    this.#attempts = 0;
  }
}

function spoolFor(
  { spool }: CommonOptions,
  { spoolFolder, log }: ProducerContext,
): Spool | undefined {
  if (spool === undefined) return undefined;
  if (spoolFolder === undefined) {
    throw new FloxyError('INVALID_INPUT', 'a spool needs a folder: this pipeline has none');
  }
  return new Spool(spoolFolder, spool, log);
}

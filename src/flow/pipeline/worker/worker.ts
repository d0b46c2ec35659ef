import { makePackets, type Packets } from '../../model/packets.ts';
import type { Producer, ProducerStatus } from '../../model/producer.ts';
import type { WorkerRow } from '../worker-row.ts';
import type { Decoding } from './decoding.ts';
import { Pace } from './pace.ts';
import type { PacketSource } from './source.ts';

/** Datagrams taken at once, and so what a killed process loses at most. */
const BATCH_DATAGRAMS = 256;
const DATAGRAM_BYTES = 1536;

/** After so long the event loop has a turn. */
const TURN_MS = 5;
const BEAT_MS = 250;
/** How old counters in shared memory can be. */
const COUNT_MS = 50;

/** A producer has so long to end, however long its last batches took. */
const MIN_STOP_MS = 100;

export interface WorkerOptions {
  readonly sources: readonly PacketSource[];
  readonly decoding: Decoding;
  readonly producer: Producer;
  readonly row: WorkerRow;
  readonly maxDelayMs: number;
  /** Hears how the producer is, whenever that has changed. */
  readonly onStatus?: (status: ProducerStatus) => void;
}

/** Takes datagrams out of rings and has them decoded, in one event loop that never waits for anybody. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #packets: Packets = makePackets(BATCH_DATAGRAMS, DATAGRAM_BYTES);
  readonly #pace: Pace;
  #timers: NodeJS.Timeout[] = [];
  #next: { cancel(): void } | undefined;
  #busyMs = 0;
  #told: ProducerStatus | undefined;
  #isPaused = true;
  #isLeaving = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#pace = new Pace(options.maxDelayMs);
  }

  /** Takes datagrams from now on. */
  start(): void {
    if (!this.#isPaused || this.#isLeaving) return;
    this.#isPaused = false;
    const { row, decoding } = this.#options;
    decoding.keepState();
    if (this.#timers.length === 0) {
      row.beat();
      this.#timers = [
        setInterval(() => row.beat(), BEAT_MS),
        setInterval(() => this.#publish(), COUNT_MS),
      ];
    }
    this.#turn();
  }

  /** Takes no datagrams until it is started again; what was taken is offered. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#next?.cancel();
    this.#options.decoding.flush();
    this.#options.decoding.keepState();
    this.#publish();
  }

  /** Pauses for good: others may use the sources. */
  leave(): void {
    this.pause();
    this.#isLeaving = true;
  }

  /** Leaves, and has the producer deliver what it has, as far as the time allows. */
  async stop(deadlineMs: number): Promise<void> {
    this.leave();
    const { producer, decoding } = this.#options;
    const begunMs = performance.now();
    await producer.flush(deadlineMs);
    await producer.stop(Math.max(MIN_STOP_MS, deadlineMs - (performance.now() - begunMs)));
    decoding.stop();
    this.#publish();
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Works through what waits until the turn is over, and comes back at once or later. */
  #turn(): void {
    const begunMs = performance.now();
    let nowMs = begunMs;
    let hasMore: boolean;
    do {
      hasMore = this.#round(nowMs);
      nowMs = performance.now();
    } while (hasMore && nowMs - begunMs < TURN_MS);
    if (this.#pace.isBusy(nowMs)) this.#busyMs += nowMs - begunMs;
    const { decoding } = this.#options;
    if (this.#pace.isDue(decoding.rowsWaiting, nowMs)) {
      decoding.flush();
      this.#publish();
    }
    this.#comeBack(hasMore ? 0 : this.#pace.waitMs(nowMs));
  }

  /** Takes one batch of each source. @returns whether there may be more */
  #round(nowMs: number): boolean {
    const { sources, decoding } = this.#options;
    let isTraffic = false;
    let hasMore = false;
    for (const source of sources) {
      if (source.take(this.#packets) > 0) {
        isTraffic = true;
        decoding.decode(this.#packets);
      }
      // Not before: what is not finished when the process dies is told from what is.
      source.done();
      hasMore ||= source.hasMore;
    }
    if (isTraffic) this.#pace.traffic(nowMs);
    return hasMore;
  }

  #comeBack(waitMs: number): void {
    if (waitMs === 0) {
      const immediate = setImmediate(() => this.#turn());
      this.#next = { cancel: () => clearImmediate(immediate) };
    } else {
      const timer = setTimeout(() => this.#turn(), waitMs);
      this.#next = { cancel: () => clearTimeout(timer) };
    }
  }

  #publish(): void {
    const { row, decoding, producer } = this.#options;
    row.set('worker', { ...decoding.counters(), busyMs: this.#busyMs });
    row.set('producer', { ...producer.counters });
    row.set('enrich', decoding.enrichCounters());
    this.#tellStatus(producer.status);
  }

  #tellStatus(status: ProducerStatus): void {
    const told = this.#told;
    if (told?.state === status.state && told.error === status.error) return;
    this.#told = { ...status };
    this.#options.onStatus?.(this.#told);
  }
}

import { performance } from 'node:perf_hooks';
import { type Counters, sumCounters } from '../model/statistics.ts';
import { type Loss, type Losses, lossesSince, sumLosses } from './losses.ts';
import type { ForwarderStatus } from './status.ts';

const INTERVAL_MS = 5000;
/** Samples are kept for so long: a few kilobytes each. */
const SPAN_MS = 5 * 60_000;

/** A mean over some time. */
export interface Rate {
  readonly packetsPerSecond: number;
  /** Of UDP payload. */
  readonly bytesPerSecond: number;
}

/** What went through the node in some time. */
export interface Traffic {
  /** How long that time was. */
  readonly seconds: number;
  readonly received: Rate;
  /** Copies that went to collectors. */
  readonly forwarded: Rate;
  readonly pipelines: Rate;
  /** Most first. */
  readonly losses: readonly Loss[];
  /** How often processes of forwarders were replaced. */
  readonly restarts: number;
}

/** What the forwarders have counted until a moment. */
interface Sample {
  readonly atMs: number;
  readonly forwarders: number;
  readonly received: Counters;
  readonly forwarded: Counters;
  readonly pipelines: Counters;
  readonly losses: Losses;
  readonly restarts: number;
}

/**
 * Remembers for five minutes what forwarders had counted, in samples five seconds apart: any number of readers can ask
 * for the rates of the last seconds or minutes, and none of them changes what the others see.
 */
export class TrafficHistory {
  readonly #forwarders: () => readonly ForwarderStatus[];
  readonly #now: () => number;
  /** The oldest first. */
  readonly #samples: Sample[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param now milliseconds of a clock that never goes back; replaced in tests */
  constructor(
    forwarders: () => readonly ForwarderStatus[],
    now: () => number = () => performance.now(),
  ) {
    this.#forwarders = forwarders;
    this.#now = now;
  }

  start(): void {
    this.sample();
    this.#timer = setInterval(() => this.sample(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  sample(): void {
    const sample = this.#read();
    // Others have been taken over, with what they had counted: that did not come just now.
    if (this.#samples.at(-1)?.forwarders !== sample.forwarders) this.#samples.length = 0;
    this.#samples.push(sample);
    // One is kept that is as old as the span.
    while ((this.#samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= sample.atMs - SPAN_MS) {
      this.#samples.shift();
    }
  }

  /**
   * What went through in the last seconds, up to now.
   *
   * @param seconds up to 300; the time looked at is up to five seconds longer, and shorter soon after the start
   * @returns undefined when nothing was looked at before
   */
  last(seconds: number): Traffic | undefined {
    const end = this.#read();
    const oldest = end.atMs - seconds * 1000;
    const begin = this.#samples.findLast(({ atMs }) => atMs <= oldest) ?? this.#samples[0];
    if (begin === undefined || begin.forwarders !== end.forwarders || begin.atMs >= end.atMs) {
      return undefined;
    }
    return trafficBetween(begin, end);
  }

  #read(): Sample {
    const forwarders = this.#forwarders();
    const sum = (key: 'received' | 'forwarded' | 'pipelines') =>
      sumCounters(forwarders.map((forwarder) => forwarder[key]));
    return {
      atMs: this.#now(),
      forwarders: forwarders.length,
      received: sum('received'),
      forwarded: sum('forwarded'),
      pipelines: sum('pipelines'),
      losses: sumLosses(forwarders),
      restarts: forwarders.reduce((all, { restarts }) => all + restarts, 0),
    };
  }
}

function trafficBetween(begin: Sample, end: Sample): Traffic {
  const seconds = (end.atMs - begin.atMs) / 1000;
  return {
    seconds,
    received: rateBetween(begin.received, end.received, seconds),
    forwarded: rateBetween(begin.forwarded, end.forwarded, seconds),
    pipelines: rateBetween(begin.pipelines, end.pipelines, seconds),
    losses: lossesSince(begin.losses, end.losses),
    restarts: end.restarts - begin.restarts,
  };
}

/** Counters that are read while others write them, or that begin anew, do not go backwards: never below zero. */
export function rateBetween(begin: Counters, end: Counters, seconds: number): Rate {
  const mean = (before: bigint, after: bigint) => Math.max(0, Number(after - before) / seconds);
  return {
    packetsPerSecond: mean(begin.packets, end.packets),
    bytesPerSecond: mean(begin.bytes, end.bytes),
  };
}

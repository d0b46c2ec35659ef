/** Load of the lab: a generator in the namespace of the exporters, a judge in that of the collectors. */
import { Generator, type Hostile } from '../../tools/traffic/generator.ts';
import { type Arrived, Judge } from '../../tools/traffic/judge.ts';
import { PROXY_V4, PROXY_V6 } from '../lab/lab.ts';
import { CLASSES, type LoadStream } from './plan.ts';

/** Of the proxy's link to the exporters (lab.ts). */
const PROXY_MAC = '02:f1:00:00:01:01';
const PROXY_PORT = 2055;

export interface Load {
  readonly streams: readonly LoadStream[];
  /** Payloads in bytes, 40 to 65507, which the packets of a stream have by turns. */
  readonly sizes: readonly number[];
  /** Numbered packets of all streams together; 0 = as many as the generator can. */
  readonly packetsPerSecond: number;
  /** Numbered packets in all; without it the load goes on until it is stopped. */
  readonly packets?: number;
  /** Goes before whatever else its core has to do; only with a rate. */
  readonly isRealTime?: boolean;
  /** Sequence number of each stream's first packet; default 0. */
  readonly firstSequence?: number;
  readonly hostile?: Hostile;
}

/** Starts numbered packets of many exporters, and hostile ones beside them. */
export function startLoad(namespace: string, { streams, ...load }: Load): Generator {
  return Generator.start(['ip', 'netns', 'exec', namespace], {
    ...load,
    interface: 'prx',
    destinationMac: PROXY_MAC,
    destination4: PROXY_V4,
    destination6: PROXY_V6,
    port: PROXY_PORT,
    exporters: streams,
  });
}

export interface CollectorOptions {
  /** Payloads arrive cut to this; default: not at all. */
  readonly bufferBytes?: number;
}

/** Judges each copy that arrives over the collectors' link. */
export class Collector implements AsyncDisposable {
  readonly #judge: Judge;

  private constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** Returns when it counts. */
  static async start(
    namespace: string,
    streams: readonly LoadStream[],
    options: CollectorOptions = {},
  ): Promise<Collector> {
    await using resources = new AsyncDisposableStack();
    const judge = resources.use(new Judge(['ip', 'netns', 'exec', namespace]));
    await judge.ask('listen prx');
    for (const [number, { destination, even, odd }] of CLASSES.entries())
      await judge.ask(`class ${number} ${destination} ${even} ${odd}`);
    for (const { host, port, class: number } of streams)
      await judge.ask(`stream ${host} ${port} ${number}`);
    if (options.bufferBytes !== undefined) await judge.ask(`buffer ${options.bufferBytes}`);
    await judge.ask('start');
    resources.move();
    return new Collector(judge);
  }

  report(): Promise<Arrived> {
    return this.#judge.ask<Arrived>('report');
  }

  /** Latencies and gaps start anew. */
  async reset(): Promise<void> {
    await this.#judge.ask('reset');
  }

  /** Judges all that was sent: nothing may be under way any more. @param sent packets, by stream */
  finish(sent: readonly number[]): Promise<Arrived> {
    return this.#judge.ask<Arrived>(`finish ${sent.join(' ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#judge[Symbol.asyncDispose]();
  }
}

import type { DatagramWalker } from '../../decode/datagram-walker.ts';
import { Decoder } from '../../decode/decoder.ts';
import { NetflowWalker } from '../../decode/netflow-walker.ts';
import { SflowWalker } from '../../decode/sflow/walker.ts';
import type { StateKeeper } from '../../decode/state-keeper.ts';
import type { Enricher } from '../../enrich/enricher.ts';
import type { Packets } from '../../model/packets.ts';
import type { CrashFolder } from './crash-folder.ts';
import type { Decoding } from './decoding.ts';
import type { FlowPath } from './flow-path.ts';
import { GuardedWalker } from './guarded-walker.ts';
import type { SeldomLog } from './seldom-log.ts';
import type { Writing } from './writing.ts';

export interface FlowDecodingOptions {
  readonly writing: Writing;
  readonly enricher: Enricher;
  readonly path: FlowPath;
  readonly crashes: CrashFolder;
  /** Memory of DECODE_COUNTERS. */
  readonly counters: Float64Array;
  readonly keeper: StateKeeper | undefined;
  readonly seldom: SeldomLog;
}

/** Walks datagrams of all protocols, and has their records written. */
export class FlowDecoding implements Decoding {
  readonly #decoder: Decoder;
  readonly #writing: Writing;
  readonly #path: FlowPath;
  readonly #enricher: Enricher;
  readonly #walkers: readonly GuardedWalker[];
  #datagrams = 0;

  constructor(options: FlowDecodingOptions) {
    const { writing, enricher, path, crashes, counters, keeper, seldom } = options;
    this.#writing = writing;
    this.#path = path;
    this.#enricher = enricher;
    const guard = (walker: DatagramWalker) => new GuardedWalker(walker, crashes, seldom);
    const netflow = guard(
      new NetflowWalker({
        counters,
        consumers: [writing.netflow],
        names: enricher.names,
        ...(keeper === undefined ? {} : { keeper }),
      }),
    );
    const sflow = guard(new SflowWalker(writing.sflow, counters));
    this.#walkers = [netflow, sflow];
    this.#decoder = new Decoder({ counters, netflow, sflow });
  }

  get rowsWaiting(): number {
    return this.#writing.waiting;
  }

  /** @throws FloxyError when a file of the enrichment cannot be used */
  start(): Promise<void> {
    return this.#enricher.start();
  }

  decode(packets: Packets): void {
    this.#decoder.decode(packets);
    this.#datagrams += packets.count;
  }

  flush(): void {
    this.#writing.flush();
  }

  counters() {
    return {
      ...this.#path.counters,
      datagrams: this.#datagrams,
      crashedDatagrams: this.#walkers.reduce((sum, { failed }) => sum + failed, 0),
      rowsWaiting: this.rowsWaiting,
    };
  }

  enrichCounters() {
    return { ...this.#enricher.counters };
  }

  stop(): void {
    this.#enricher.stop();
  }
}

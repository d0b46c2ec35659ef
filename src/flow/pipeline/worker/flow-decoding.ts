import type { DatagramWalker } from '../../decode/datagram-walker.ts';
import { Decoder } from '../../decode/decoder.ts';
import { NetflowWalker } from '../../decode/netflow-walker.ts';
import { SflowWalker } from '../../decode/sflow/walker.ts';
import type { Enricher } from '../../enrich/enricher.ts';
import type { Packets } from '../../model/packets.ts';
import { answerAsk, type TemplateAnswer, type TemplateAsk } from '../../templates/ask.ts';
import type { TemplateStore } from '../../templates/template-store.ts';
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
  /** Opens what keeps templates: by the user that the worker has become. */
  readonly openTemplates: () => TemplateStore | undefined;
  readonly seldom: SeldomLog;
}

/** Walks datagrams of all protocols, and has their records written. */
export class FlowDecoding implements Decoding {
  readonly #options: FlowDecodingOptions;
  #started: Started | undefined;
  #datagrams = 0;

  constructor(options: FlowDecodingOptions) {
    this.#options = options;
  }

  get rowsWaiting(): number {
    return this.#options.writing.waiting;
  }

  /** @throws FloxyError when a file of the enrichment cannot be used */
  async start(): Promise<void> {
    const { enricher, openTemplates } = this.#options;
    await enricher.start();
    const templates = openTemplates();
    templates?.start();
    this.#started = start(this.#options, templates);
  }

  /** After start(). */
  decode(packets: Packets): void {
    this.#started?.decoder.decode(packets);
    this.#datagrams += packets.count;
  }

  flush(): void {
    this.#options.writing.flush();
  }

  /** Writes what was learnt, for the workers that come next, and sees what those before have written. */
  keepState(): void {
    this.#started?.templates?.flush();
  }

  templates(ask: TemplateAsk): TemplateAnswer {
    return answerAsk(this.#started?.templates, ask);
  }

  counters() {
    const walkers = this.#started?.walkers ?? [];
    return {
      ...this.#options.path.counters,
      datagrams: this.#datagrams,
      crashedDatagrams: walkers.reduce((sum, { failed }) => sum + failed, 0),
      rowsWaiting: this.rowsWaiting,
    };
  }

  enrichCounters() {
    return { ...this.#options.enricher.counters };
  }

  stop(): void {
    this.#options.enricher.stop();
    this.#started?.netflow.stop();
    this.#started?.templates?.stop();
  }
}

interface Started {
  readonly decoder: Decoder;
  readonly walkers: readonly GuardedWalker[];
  readonly netflow: NetflowWalker;
  readonly templates: TemplateStore | undefined;
}

function start(options: FlowDecodingOptions, templates: TemplateStore | undefined): Started {
  const { writing, enricher, crashes, counters, seldom } = options;
  const guard = (walker: DatagramWalker) => new GuardedWalker(walker, crashes, seldom);
  const netflow = new NetflowWalker({
    counters,
    consumers: [writing.netflow],
    names: enricher.names,
    ...(templates === undefined ? {} : { keeper: templates }),
  });
  const walkers = {
    netflow: guard(netflow),
    sflow: guard(new SflowWalker(writing.sflow, counters)),
  };
  const decoder = new Decoder({ counters, ...walkers });
  return { decoder, walkers: Object.values(walkers), netflow, templates };
}

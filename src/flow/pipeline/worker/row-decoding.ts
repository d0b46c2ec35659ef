import { BatchWriter } from '../../decode/batch-writer.ts';
import type { DatagramWalker } from '../../decode/datagram-walker.ts';
import { Decoder } from '../../decode/decoder.ts';
import { NetflowWalker } from '../../decode/netflow-walker.ts';
import { SflowColumns } from '../../decode/sflow/columns.ts';
import { SflowWalker } from '../../decode/sflow/walker.ts';
import type { Enricher } from '../../enrich/enricher.ts';
import type { EnrichmentOptions } from '../../enrich/options.ts';
import { ROW_FORMATS } from '../../format/row-formats.ts';
import type { FlowBatch } from '../../model/flow-batch.ts';
import type { Packets } from '../../model/packets.ts';
import type { Producer } from '../../model/producer.ts';
import type { CrashFolder } from './crash-folder.ts';
import type { Decoding } from './decoding.ts';
import { FlowPath } from './flow-path.ts';
import { GuardedWalker } from './guarded-walker.ts';
import type { SentSettings } from './messages.ts';
import type { SeldomLog } from './seldom-log.ts';

export interface RowDecodingOptions {
  readonly settings: Pick<SentSettings, 'batch' | 'format' | 'sampling'>;
  readonly enrichment: EnrichmentOptions;
  readonly formatOptions: unknown;
  readonly producer: Pick<Producer, 'offer'>;
  readonly crashes: CrashFolder;
  /** Memory of DECODE_COUNTERS. */
  readonly counters: Float64Array;
  readonly seldom: SeldomLog;
}

/** Datagrams become rows of columns, are enriched, and written in a format of rows. */
export class RowDecoding implements Decoding {
  readonly #decoder: Decoder;
  readonly #writer: BatchWriter;
  readonly #path: FlowPath;
  readonly #walkers: readonly GuardedWalker[];
  readonly #enricher: Enricher | undefined;
  #datagrams = 0;

  constructor(options: RowDecodingOptions) {
    const { settings, formatOptions, producer, crashes, counters, seldom } = options;
    const { kind, perMessage } = makeFormat(settings, formatOptions);
    this.#path = new FlowPath(producer, seldom);
    const encode = (batch: FlowBatch) => {
      this.#enricher?.enrich(batch);
      return kind.encode(batch, perMessage);
    };
    this.#writer = new BatchWriter((batch) => this.#path.rows(batch, encode), {
      rows: settings.batch.rows,
    });
    const guard = (walker: DatagramWalker) => new GuardedWalker(walker, crashes, seldom);
    const sflow = guard(new SflowWalker(new SflowColumns(this.#writer), counters));
    const netflow = guard(new NetflowWalker({ counters, consumers: [] }));
    this.#walkers = [netflow, sflow];
    this.#decoder = new Decoder({ counters, netflow, sflow });
  }

  get rowsWaiting(): number {
    return this.#writer.batch.rows;
  }

  async start(): Promise<void> {
    await this.#enricher?.start();
  }

  decode(packets: Packets): void {
    this.#decoder.decode(packets);
    this.#datagrams += packets.count;
  }

  flush(): void {
    this.#writer.flush();
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
    return { ...this.#enricher?.counters };
  }

  stop(): void {
    this.#enricher?.stop();
  }
}

function makeFormat({ format, batch }: RowDecodingOptions['settings'], options: unknown) {
  const found = ROW_FORMATS.get(format.kind);
  if (found === undefined) throw new Error(`there is no format ${format.kind}`);
  const perMessage = batch.records_per_message ?? found.recordsPerMessage ?? batch.rows;
  return { kind: found.create(options, { extraColumns: [], keyed: true }), perMessage };
}

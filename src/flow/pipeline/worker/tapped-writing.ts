import { BatchWriter } from '../../decode/batch-writer.ts';
import { columnsOf, type ExtraColumn } from '../../decode/columns/extra-columns.ts';
import { NetflowColumns } from '../../decode/columns/netflow-columns.ts';
import type { SamplingOverride } from '../../decode/columns/sampling-overrides.ts';
import { makeDecodeCounters } from '../../decode/counters.ts';
import type { RecordConsumer } from '../../decode/record-consumer.ts';
import { SflowColumns } from '../../decode/sflow/columns.ts';
import type { SflowConsumer } from '../../decode/sflow/consumer.ts';
import type { Enricher } from '../../enrich/enricher.ts';
import type { Column } from '../../model/columns.ts';
import type { FlowBatch } from '../../model/flow-batch.ts';
import { FlowTap } from '../tail/flow-tap.ts';
import type { TailedRecords, TailRequest } from '../tail/request.ts';
import type { Writing } from './writing.ts';

/** Few rows: they are looked at soon after they came. */
const ROWS = 256;
const FLUSH_MS = 100;

export interface TappedWritingOptions {
  readonly extras: readonly ExtraColumn[];
  readonly sampling: readonly SamplingOverride[];
  readonly enricher: Enricher;
  readonly send: (found: TailedRecords, sent: () => void) => void;
}

/**
 * Writes as another one does, and shows rows to those who look, whatever is written: while somebody looks, records are
 * decoded once more, into columns of their own.
 */
export class TappedWriting implements Writing {
  readonly netflow: RecordConsumer;
  readonly sflow: SflowConsumer;
  readonly #inner: Writing;
  readonly #options: TappedWritingOptions;
  readonly #extraColumns: readonly Column[];
  #taps: readonly FlowTap[] = [];
  #columns: ShownColumns | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(inner: Writing, options: TappedWritingOptions) {
    this.#inner = inner;
    this.#options = options;
    this.#extraColumns = columnsOf(options.extras);
    this.netflow = {
      begin: (header, session) => {
        inner.netflow.begin(header, session);
        this.#columns?.netflow.begin(header, session);
      },
      records: (template, set) => {
        inner.netflow.records(template, set);
        this.#columns?.netflow.records(template, set);
      },
      options: (template, set) => {
        inner.netflow.options(template, set);
        this.#columns?.netflow.options(template, set);
      },
      end: () => {
        inner.netflow.end();
        this.#columns?.netflow.end();
      },
      endBatch: () => {
        inner.netflow.endBatch();
        this.#columns?.netflow.endBatch();
      },
    };
    this.sflow = {
      beginDatagram: (datagram) => {
        inner.sflow.beginDatagram(datagram);
        this.#columns?.sflow.beginDatagram(datagram);
      },
      flowSample: (datagram, sample) => {
        inner.sflow.flowSample(datagram, sample);
        this.#columns?.sflow.flowSample(datagram, sample);
      },
      counterSample: (datagram, sample) => {
        inner.sflow.counterSample(datagram, sample);
        this.#columns?.sflow.counterSample(datagram, sample);
      },
      endDatagram: (datagram) => {
        inner.sflow.endDatagram(datagram);
        this.#columns?.sflow.endDatagram(datagram);
      },
    };
  }

  get waiting(): number {
    return this.#inner.waiting;
  }

  flush(): void {
    this.#inner.flush();
  }

  /** Somebody looks, until untap(). To be called between two batches of datagrams. */
  tap(request: TailRequest): void {
    const { send } = this.#options;
    this.untap(request.id);
    this.#taps = [...this.#taps, new FlowTap({ request, extraColumns: this.#extraColumns, send })];
    if (this.#columns !== undefined) return;
    this.#columns = this.#makeColumns();
    this.#timer = setInterval(() => this.#show(), FLUSH_MS).unref();
  }

  untap(id: number): void {
    this.#taps = this.#taps.filter((tap) => tap.id !== id);
    if (this.#taps.length > 0) return;
    this.#columns = undefined;
    clearInterval(this.#timer);
  }

  #show(): void {
    this.#columns?.writer.flush();
    for (const tap of this.#taps) tap.sendWhenDue();
  }

  #makeColumns(): ShownColumns {
    const { extras, sampling, enricher } = this.#options;
    const show = (batch: FlowBatch) => {
      enricher.enrich(batch);
      for (const tap of this.#taps) tap.look(batch);
    };
    const writer = new BatchWriter(show, { rows: ROWS, extraColumns: this.#extraColumns });
    // What these count was counted where it is written.
    const counters = makeDecodeCounters();
    return {
      writer,
      netflow: new NetflowColumns(writer, { counters, extras, sampling }),
      sflow: new SflowColumns(writer),
    };
  }
}

interface ShownColumns {
  readonly writer: BatchWriter;
  readonly netflow: RecordConsumer;
  readonly sflow: SflowConsumer;
}

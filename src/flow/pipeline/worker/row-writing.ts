import { BatchWriter } from '../../decode/batch-writer.ts';
import { columnsOf, type ExtraColumn } from '../../decode/columns/extra-columns.ts';
import { NetflowColumns } from '../../decode/columns/netflow-columns.ts';
import type { RecordConsumer } from '../../decode/record-consumer.ts';
import { SflowColumns } from '../../decode/sflow/columns.ts';
import { bothConsumers, type SflowConsumer } from '../../decode/sflow/consumer.ts';
import type { Enricher } from '../../enrich/enricher.ts';
import { SflowCounterJson } from '../../format/sflow/counter-json.ts';
import type { FlowBatch } from '../../model/flow-batch.ts';
import type { RowFormatKind } from '../../model/format.ts';
import type { FlowPath } from './flow-path.ts';
import type { SentSettings } from './messages.ts';
import type { Writing } from './writing.ts';

export interface RowWritingOptions {
  readonly settings: Pick<SentSettings, 'batch' | 'sampling' | 'sflow'>;
  readonly format: RowFormatKind<unknown>;
  readonly formatOptions: unknown;
  readonly extras: readonly ExtraColumn[];
  /** Memory of DECODE_COUNTERS. */
  readonly counters: Float64Array;
  readonly enricher: Enricher;
  readonly path: FlowPath;
}

/** Records become rows of columns, are enriched, and written in a format of rows. */
export class RowWriting implements Writing {
  readonly netflow: RecordConsumer;
  readonly sflow: SflowConsumer;
  readonly #writer: BatchWriter;
  readonly #counters: SflowCounterJson | undefined;

  constructor(options: RowWritingOptions) {
    const { settings, format: kind, formatOptions, extras, counters, enricher, path } = options;
    const { rows, records_per_message: given } = settings.batch;
    const extraColumns = columnsOf(extras);
    const format = kind.create(formatOptions, { extraColumns, keyed: true });
    const perMessage = given ?? kind.recordsPerMessage ?? rows;
    const encode = (batch: FlowBatch) => {
      enricher.enrich(batch);
      return format.encode(batch, perMessage);
    };
    this.#writer = new BatchWriter((batch) => path.rows(batch, encode), { rows, extraColumns });
    const { sampling, sflow } = settings;
    const tunnelLayer = sflow.tunnels;
    this.netflow = new NetflowColumns(this.#writer, { counters, extras, sampling, tunnelLayer });
    const columns = new SflowColumns(this.#writer, { tunnelLayer, sampling });
    if (sflow.counters) {
      this.#counters = new SflowCounterJson({
        handOn: (batch) => path.messages(batch),
        keyed: true,
      });
    }
    this.sflow = this.#counters ? bothConsumers(columns, this.#counters) : columns;
  }

  get waiting(): number {
    return this.#writer.batch.rows + (this.#counters?.waiting ?? 0);
  }

  flush(): void {
    this.#writer.flush();
    this.#counters?.flush();
  }
}

import type { Column } from '../model/columns.ts';
import { FlowBatch } from '../model/flow-batch.ts';

/** Rows of a batch, as many as columns are best worked on. */
export const BATCH_ROWS = 2048;

/** The batch that decoders write rows into. When it is full it is handed on, and begun anew. */
export class BatchWriter {
  readonly batch: FlowBatch;
  readonly #handOn: (batch: FlowBatch) => void;
  readonly #completers: (() => void)[] = [];

  /** @param handOn takes all rows of the batch; they are gone when it returns */
  constructor(
    handOn: (batch: FlowBatch) => void,
    { rows = BATCH_ROWS, extraColumns = [] as readonly Column[] } = {},
  ) {
    this.batch = new FlowBatch(rows, extraColumns);
    this.#handOn = handOn;
  }

  /** Whoever has rows that are not whole yet completes them before they are handed on. */
  beforeHandOn(complete: () => void): void {
    this.#completers.push(complete);
  }

  /** For how many rows there is room from `batch.rows` on: at least one. Who writes n of them adds n to batch.rows. */
  room(): number {
    const { batch } = this;
    if (batch.rows === batch.capacity) this.flush();
    return batch.capacity - batch.rows;
  }

  /** Hands on what rows there are. */
  flush(): void {
    const { batch } = this;
    if (batch.rows === 0) return;
    try {
      for (const complete of this.#completers) complete();
      this.#handOn(batch);
    } finally {
      batch.clear();
    }
  }
}

import { jsonFormat } from '../../format/json.ts';
import type { Column } from '../../model/columns.ts';
import { FlowBatch } from '../../model/flow-batch.ts';
import type { RowFormat } from '../../model/format.ts';
import { copyRow } from './copy-row.ts';
import { FlowFilter } from './flow-filter.ts';
import type { TailedRecords, TailRequest } from './request.ts';

/** Rows of one message. */
const ROWS = 128;
/** Messages so far apart at most, and so that what comes is seen at once. */
const SEND_MS = 100;

export interface FlowTapOptions {
  readonly request: TailRequest;
  readonly extraColumns: readonly Column[];
  /** Sends what was found. @param sent to be called when the other side has taken it */
  readonly send: (found: TailedRecords, sent: () => void) => void;
  /** Milliseconds of a clock that never goes back; replaced in tests. */
  readonly now?: () => number;
}

/**
 * Shows some of the rows that pass to somebody who looks. Only so many a second, and only when the message before has
 * been taken: what is more than that is counted and left out.
 */
export class FlowTap {
  readonly #options: FlowTapOptions;
  readonly #filter: FlowFilter;
  readonly #found: FlowBatch;
  readonly #format: RowFormat;
  readonly #now: () => number;
  #skipped = 0;
  #isSending = false;
  #secondMs: number;
  #left: number;
  #sentMs: number;

  /** @throws TypeError for a request with what is no address */
  constructor(options: FlowTapOptions) {
    const { request, extraColumns } = options;
    this.#options = options;
    this.#filter = new FlowFilter(request);
    this.#found = new FlowBatch(ROWS, extraColumns);
    this.#format = jsonFormat.create(jsonFormat.options.parse({}), { extraColumns, keyed: false });
    this.#now = options.now ?? (() => performance.now());
    this.#secondMs = this.#now();
    this.#sentMs = this.#secondMs - SEND_MS;
    this.#left = request.recordsPerSecond;
  }

  get id(): number {
    return this.#options.request.id;
  }

  look(batch: FlowBatch): void {
    this.#beginSecond();
    for (let row = 0; row < batch.rows; row++) {
      if (!this.#filter.matches(batch, row)) continue;
      if (this.#left > 0 && this.#found.rows < ROWS) {
        this.#left--;
        copyRow(batch, row, this.#found);
      } else this.#skipped++;
    }
    this.sendWhenDue();
  }

  /** To be called every now and then: what was found last has to be seen as well. */
  sendWhenDue(): void {
    const nowMs = this.#now();
    const isNew = this.#found.rows > 0 || this.#skipped > 0;
    if (!isNew || this.#isSending || nowMs - this.#sentMs < SEND_MS) return;
    this.#sentMs = nowMs;
    this.#isSending = true;
    const found = { id: this.id, records: this.#encode(), skipped: this.#skipped };
    this.#skipped = 0;
    this.#options.send(found, () => {
      this.#isSending = false;
    });
  }

  #beginSecond(): void {
    const nowMs = this.#now();
    if (nowMs - this.#secondMs < 1000) return;
    this.#secondMs = nowMs;
    this.#left = this.#options.request.recordsPerSecond;
  }

  #encode(): string[] {
    const found = this.#found;
    if (found.rows === 0) return [];
    const { bytes, ends } = this.#format.encode(found, 1);
    const records = Array.from(ends, (end, i) =>
      bytes.toString('utf8', ends[i - 1] ?? 0, end).trim(),
    );
    found.clear();
    return records;
  }
}

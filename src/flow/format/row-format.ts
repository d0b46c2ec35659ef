import type { ColumnKind } from '../model/columns.ts';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { ColumnMemory, FlowBatch } from '../model/flow-batch.ts';
import type { RowFormat } from '../model/format.ts';
import { type ChosenColumn, isZero } from './columns.ts';
import { EncodedTexts } from './encoded-texts.ts';
import { OVERRUN } from './literal.ts';
import { commonProtocol, MessageCutter } from './messages.ts';

/**
 * Rows that are being written: each has a slot of memory of its own, so that one small loop can write a field of all
 * of them. They are then moved together.
 */
export interface RowBlock {
  readonly view: DataView;
  /** Where the next octet of each row goes. */
  readonly next: Uint32Array;
  readonly texts: EncodedTexts;
}

/** What writes one column of a block of rows. */
export interface Cell {
  /** Most octets that it writes for a row, not counting a text. */
  readonly room: number;
  /** Whether it writes something for rows whose value is zero. */
  readonly writesZero: boolean;
  /** Writes it for the rows from `first` on and moves `next`. */
  write(block: RowBlock, memory: ColumnMemory[ColumnKind], first: number, rows: number): void;
}

/** What stands around the cells of a row. */
export interface RowFrame {
  /** Octets before the cells. */
  readonly before: number;
  /** Octets after them. */
  readonly after: number;
  /**
   * Writes what belongs before and after the cells of one row, which are at [start, end).
   *
   * @returns where the row begins; it ends at `end + after`
   */
  close(view: DataView, start: number, end: number): number;
}

export interface RowLayout {
  readonly columns: readonly { readonly chosen: ChosenColumn; readonly cell: Cell }[];
  readonly frame: RowFrame;
  /** How a text is written. */
  encodeText(text: string): string;
  readonly keyed: boolean;
  /** The octet between rows that share a message. */
  readonly separator?: number;
  /** The same for every batch. */
  readonly told: Pick<EncodedBatch, 'framing' | 'header'>;
}

interface UsedColumn {
  readonly cell: Cell;
  readonly memory: ColumnMemory[ColumnKind];
}

/** Most rows of a block: what is written and then moved stays in the cache. */
const BLOCK_ROWS = 64;
/** Octets of a block, unless one row needs more. */
const BLOCK_OCTETS = 64 * 1024;

/** Writes rows by blocks and columns. */
export class SlottedFormat implements RowFormat {
  readonly #layout: RowLayout;
  readonly #room: number;
  readonly #textCells: number;
  readonly #cutter: MessageCutter;
  readonly #texts: EncodedTexts;
  readonly #next = new Uint32Array(BLOCK_ROWS);
  /** Slots first, then the rows that have been moved together. */
  #bytes = Buffer.alloc(BLOCK_OCTETS);
  #view = viewOf(this.#bytes);

  constructor(layout: RowLayout) {
    this.#layout = layout;
    const { columns, frame } = layout;
    const cells = columns.reduce((sum, { cell }) => sum + cell.room, 0);
    this.#room = frame.before + cells + frame.after + OVERRUN;
    this.#textCells = columns.filter(({ chosen }) => chosen.column.kind === 'text').length;
    this.#cutter = new MessageCutter(layout.keyed);
    this.#texts = new EncodedTexts(layout.encodeText);
  }

  encode(batch: FlowBatch, recordsPerMessage: number): EncodedBatch {
    const { rows } = batch;
    this.#texts.read(batch.texts);
    const used = this.#layout.columns.flatMap(({ chosen, cell }) => {
      const memory = chosen.memory(batch);
      const idle = !cell.writesZero && isZero(memory, chosen.column.kind, rows);
      return idle ? [] : [{ cell, memory }];
    });
    const messages = this.#cutter.cut(batch, recordsPerMessage);
    const bytes = this.#writeRows(used, rows, messages.ends);
    const protocol = commonProtocol(batch);
    return {
      ...this.#layout.told,
      ...messages,
      bytes,
      records: rows,
      ...(protocol === undefined ? {} : { protocol }),
    };
  }

  /** Writes all rows. @param ends the row behind each message, which becomes where the message ends */
  #writeRows(used: readonly UsedColumn[], rows: number, ends: Uint32Array): Buffer {
    const slot = this.#room + this.#textCells * this.#texts.longest;
    const blockRows = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_OCTETS / slot)));
    const start = blockRows * slot;
    let end = start;
    let message = 0;
    for (let first = 0; first < rows; first += blockRows) {
      const count = Math.min(blockRows, rows - first);
      this.#reserve(end, count * slot);
      const block = { view: this.#view, next: this.#next, texts: this.#texts };
      for (let i = 0; i < count; i++) block.next[i] = i * slot + this.#layout.frame.before;
      for (const { cell, memory } of used) cell.write(block, memory, first, count);
      for (let i = 0; i < count; i++) {
        end = this.#moveRow(i * slot, block.next[i] as number, end);
        if (ends[message] === first + i + 1) ends[message++] = end - start;
        else end = this.#separate(end);
      }
    }
    return this.#bytes.subarray(start, end);
  }

  /** Completes the row in a slot and moves it to where it belongs. @returns where it ends there */
  #moveRow(slotStart: number, cellsEnd: number, to: number): number {
    const { frame } = this.#layout;
    const from = frame.close(this.#view, slotStart + frame.before, cellsEnd);
    const end = cellsEnd + frame.after;
    this.#bytes.copyWithin(to, from, end);
    return to + end - from;
  }

  #separate(end: number): number {
    const { separator } = this.#layout;
    if (separator === undefined) return end;
    this.#bytes[end] = separator;
    return end + 1;
  }

  /** Makes sure that so many octets can be written behind `end`. */
  #reserve(end: number, octets: number): void {
    if (end + octets <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(end + octets, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, end);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

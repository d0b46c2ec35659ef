import { COLUMNS, type Column, type ColumnKind } from './columns.ts';

/** 64 bits, or a MAC address, as two words. */
export interface WordPairs {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

/** What each kind of column is in memory, for all rows of a batch. */
export interface ColumnMemory {
  u8: Uint8Array;
  u16: Uint16Array;
  u32: Uint32Array;
  u64: WordPairs;
  time: Float64Array;
  /** Four words a row. */
  address: Uint32Array;
  mac: WordPairs;
  /** Index into `texts`. */
  text: Uint32Array;
}

type BaseColumn = (typeof COLUMNS)[number];
type BaseColumns = { readonly [C in BaseColumn as C['key']]: ColumnMemory[C['kind']] };

/** Longest text of a column: exporters send up to 64 KiB, which every row would repeat. */
export const MAX_TEXT_LENGTH = 1024;

/** Decoded flow records, column by column. Rows from `rows` on are zero. */
export class FlowBatch {
  /** Records that have room. */
  readonly capacity: number;
  /** Records that there are. */
  rows = 0;
  readonly columns: BaseColumns;
  /** Columns of the user's own mapping, in the order of `extraColumns`. */
  readonly extraColumns: readonly Column[];
  readonly extras: readonly ColumnMemory[ColumnKind][];
  /** What columns of kind `text` point at; the first is empty. */
  readonly texts: string[] = [''];
  readonly #textIndexes = new Map<string, number>([['', 0]]);

  constructor(capacity: number, extraColumns: readonly Column[] = []) {
    this.capacity = capacity;
    const made = COLUMNS.map(({ key, kind }) => [key, makeColumn(kind, capacity)] as const);
    this.columns = Object.fromEntries(made) as unknown as BaseColumns;
    this.extraColumns = extraColumns;
    this.extras = extraColumns.map(({ kind }) => makeColumn(kind, capacity));
  }

  /** The index of a text in `texts`, which it joins when it is new. Texts longer than MAX_TEXT_LENGTH are cut. */
  textIndex(whole: string): number {
    const text = whole.length > MAX_TEXT_LENGTH ? whole.slice(0, MAX_TEXT_LENGTH) : whole;
    const known = this.#textIndexes.get(text);
    if (known !== undefined) return known;
    const index = this.texts.push(text) - 1;
    this.#textIndexes.set(text, index);
    return index;
  }

  /** Empties it: what rows were there is zero again. */
  clear(): void {
    const { rows } = this;
    for (const { key, kind } of COLUMNS) clearColumn(kind, this.columns[key], rows);
    for (const [i, { kind }] of this.extraColumns.entries()) {
      clearColumn(kind, this.extras[i] as ColumnMemory[ColumnKind], rows);
    }
    this.rows = 0;
    if (this.texts.length > 1) {
      this.texts.length = 1;
      this.#textIndexes.clear();
      this.#textIndexes.set('', 0);
    }
  }
}

function makeColumn(kind: ColumnKind, rows: number): ColumnMemory[ColumnKind] {
  switch (kind) {
    case 'u8':
      return new Uint8Array(rows);
    case 'u16':
      return new Uint16Array(rows);
    case 'u32':
    case 'text':
      return new Uint32Array(rows);
    case 'time':
      return new Float64Array(rows);
    case 'address':
      return new Uint32Array(rows * 4);
    case 'u64':
    case 'mac':
      return { high: new Uint32Array(rows), low: new Uint32Array(rows) };
  }
}

function clearColumn(kind: ColumnKind, memory: ColumnMemory[ColumnKind], rows: number): void {
  if ('high' in memory) {
    memory.high.fill(0, 0, rows);
    memory.low.fill(0, 0, rows);
  } else memory.fill(0, 0, kind === 'address' ? rows * 4 : rows);
}

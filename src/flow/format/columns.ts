import { COLUMNS, type Column, type ColumnKind } from '../model/columns.ts';
import type { ColumnMemory, FlowBatch } from '../model/flow-batch.ts';
import type { TimeStyle } from './options.ts';

/** A column that a format writes. */
export interface ChosenColumn {
  readonly column: Column;
  /** Its name in snake_case. */
  readonly name: string;
  memory(batch: FlowBatch): ColumnMemory[ColumnKind];
}

/** `srcAddr` is `src_addr`. */
export function columnName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The name of a column in text: that of a time written as number tells its unit, `time_received_ms`. */
export function textName({ name, column }: ChosenColumn, times: TimeStyle): string {
  return column.kind === 'time' && times !== 'rfc3339' ? `${name}_${times}` : name;
}

/** All columns, those of the catalogue first. */
export function allColumns(extraColumns: readonly Column[]): ChosenColumn[] {
  const base = COLUMNS.map((column) => ({
    column,
    name: columnName(column.key),
    memory: (batch: FlowBatch) => batch.columns[column.key],
  }));
  const extra = extraColumns.map((column, i) => ({
    column,
    name: columnName(column.key),
    memory: (batch: FlowBatch) => batch.extras[i] as ColumnMemory[ColumnKind],
  }));
  return [...base, ...extra];
}

/**
 * The columns named, in the order named; without names all of them.
 *
 * @throws Error that names the column which is not there
 */
export function chooseColumns(
  extraColumns: readonly Column[],
  names: readonly string[] | undefined,
): ChosenColumn[] {
  const all = allColumns(extraColumns);
  if (names === undefined) return all;
  return names.map((name) => {
    const found = all.find((chosen) => chosen.name === name);
    if (found) return found;
    throw new Error(
      `fields: there is no column "${name}"; there are ${all.map((chosen) => chosen.name).join(', ')}`,
    );
  });
}

let zeros = Buffer.alloc(64 * 1024);

/** Whether the first rows of a column are all zero. */
export function isZero(memory: ColumnMemory[ColumnKind], kind: ColumnKind, rows: number): boolean {
  if ('high' in memory) return areZero(memory.high, rows) && areZero(memory.low, rows);
  return areZero(memory, kind === 'address' ? rows * 4 : rows);
}

function areZero(values: Exclude<ColumnMemory[ColumnKind], { high: unknown }>, count: number) {
  const octets = count * values.BYTES_PER_ELEMENT;
  if (zeros.length < octets) zeros = Buffer.alloc(octets);
  return octetsOf(values).compare(zeros, 0, octets, 0, octets) === 0;
}

const views = new WeakMap<object, Buffer>();

/** The memory of a column as octets; made once, because views are dear. */
export function octetsOf(values: Exclude<ColumnMemory[ColumnKind], { high: unknown }>): Buffer {
  const known = views.get(values);
  if (known) return known;
  const made = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  views.set(values, made);
  return made;
}

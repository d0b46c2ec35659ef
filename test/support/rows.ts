import { COLUMNS } from '../../src/flow/model/columns.ts';
import type { ColumnMemory, FlowBatch } from '../../src/flow/model/flow-batch.ts';

/** A row by the names of its columns. */
export type Row = Partial<Record<(typeof COLUMNS)[number]['key'], unknown>>;

/** What one row of a batch has, in words that a test can be read by; columns that are zero are left out. */
export function rowOf(batch: FlowBatch, row: number): Row {
  const said: Row = {};
  for (const { key, kind } of COLUMNS) {
    const value = cellOf(batch.columns[key], kind, row, batch.texts);
    if (value !== 0 && value !== 0n && value !== '' && value !== '::') said[key] = value;
  }
  return said;
}

export function rowsOf(batch: FlowBatch): Row[] {
  return Array.from({ length: batch.rows }, (_, row) => rowOf(batch, row));
}

function cellOf(
  memory: ColumnMemory[keyof ColumnMemory],
  kind: keyof ColumnMemory,
  row: number,
  texts: readonly string[],
): unknown {
  if ('high' in memory) {
    const both = (BigInt(memory.high[row] as number) << 32n) | BigInt(memory.low[row] as number);
    return kind === 'mac' && both !== 0n ? both.toString(16).padStart(12, '0') : both;
  }
  if (kind === 'address') return addressText(memory.subarray(row * 4, row * 4 + 4) as Uint32Array);
  if (kind === 'text') return texts[memory[row] as number];
  return memory[row];
}

/** An address as RFC 5952 has it, but with all groups of IPv6 that are not zero at both ends. */
export function addressText(words: ArrayLike<number>): string {
  const [a = 0, b = 0, c = 0, d = 0] = Array.from(words);
  if (a === 0 && b === 0 && c === 0xffff) {
    return [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255].join('.');
  }
  const groups = [a, b, c, d].flatMap((word) => [word >>> 16, word & 0xffff]);
  const text = groups.map((group) => group.toString(16)).join(':');
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

import { COLUMNS, type Column, type ColumnKind } from '../../model/columns.ts';
import type { ColumnMemory, FlowBatch } from '../../model/flow-batch.ts';

/** Appends a row of a batch to another one, which has room and the same columns. */
export function copyRow(from: FlowBatch, row: number, to: FlowBatch): void {
  const at = to.rows++;
  for (const { key, kind } of COLUMNS) {
    copyValue(kind, { from, memory: from.columns[key], row }, { to, memory: to.columns[key], at });
  }
  for (const [i, { kind }] of (from.extraColumns as readonly Column[]).entries()) {
    const [source, target] = [from.extras[i], to.extras[i]];
    if (source === undefined || target === undefined) continue;
    copyValue(kind, { from, memory: source, row }, { to, memory: target, at });
  }
}

type AnyMemory = ColumnMemory[ColumnKind];

function copyValue(
  kind: ColumnKind,
  { from, memory: source, row }: { from: FlowBatch; memory: AnyMemory; row: number },
  { to, memory: target, at }: { to: FlowBatch; memory: AnyMemory; at: number },
): void {
  if ('high' in source) {
    const pairs = target as ColumnMemory['u64'];
    pairs.high[at] = source.high[row] as number;
    pairs.low[at] = source.low[row] as number;
    return;
  }
  const words = target as Exclude<AnyMemory, ColumnMemory['u64']>;
  if (kind === 'text') words[at] = to.textIndex(from.texts[source[row] as number] ?? '');
  else if (kind === 'address') words.set(source.subarray(row * 4, row * 4 + 4), at * 4);
  else words[at] = source[row] as number;
}

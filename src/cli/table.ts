import { withoutControls } from '../base/text.ts';

export interface TableColumn {
  readonly head: string;
  /** Numbers stand right. */
  readonly isNumber?: boolean;
}

const GAP = '  ';

/** Cells in columns, as wide as they need to be. What others have written cannot steer the terminal. */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): string {
  const clean = rows.map((row) => row.map(withoutControls));
  const widths = columns.map(({ head }, i) =>
    Math.max(head.length, ...clean.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ isNumber }, i) => pad(cells[i] ?? '', widths[i] ?? 0, isNumber === true))
      .join(GAP)
      .trimEnd();
  return [columns.map(({ head }) => head), ...clean].map((cells) => `${line(cells)}\n`).join('');
}

/** Thousands apart: 1,234,567. */
export function formatCount(count: number): string {
  return count.toLocaleString('en');
}

function pad(text: string, width: number, isRight: boolean): string {
  return isRight ? text.padStart(width) : text.padEnd(width);
}

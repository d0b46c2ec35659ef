import { table, whole } from './table.ts';

/** What a figure has to reach. */
export interface Bounds {
  readonly least?: number;
  readonly most?: number;
}

const SMALL = 1000;

/** What was promised, and what was measured: a table of rows that judgedRow() made. */
export function judgedTable(rows: readonly (readonly string[])[]): string {
  return table(['what', 'goal', 'measured', 'met'], rows);
}

/** @param value NaN: it was not measured */
export function judgedRow(what: string, bounds: Bounds, value: number, unit = ''): string[] {
  const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = bounds;
  const verdict = value >= least && value <= most ? 'yes' : 'NO';
  const wanted = bounds.least === undefined ? `≤ ${amount(most)}` : `≥ ${amount(least)}`;
  return [
    what,
    `${wanted} ${unit}`.trimEnd(),
    `${amount(value)} ${unit}`.trimEnd(),
    Number.isNaN(value) ? 'not measured' : verdict,
  ];
}

/** Ratios are small, rates are large. */
export function amount(value: number): string {
  return value < SMALL && !Number.isInteger(value) && Number.isFinite(value)
    ? value.toFixed(2)
    : whole(value);
}

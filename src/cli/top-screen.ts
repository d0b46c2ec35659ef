/** What `floxy top` shows: a frame of a terminal, or lines. */
import { withoutControls } from '../base/text.ts';
import type { TrafficViewMessage } from '../protocol/view-messages.ts';
import type { Shown } from './shown.ts';
import { formatTable } from './table.ts';
import {
  COLLECTOR_COLUMNS,
  collectorRow,
  TOP_EXPORTER_COLUMNS,
  topExporterRow,
  totalText,
} from './traffic-rows.ts';
import { counted } from './units.ts';

/** One look, put together of its parts. */
export type TopView = Shown<TrafficViewMessage>;

export interface TopState {
  /** Where the API is. */
  readonly target: string;
  readonly order: string;
  readonly now: Date;
  /** Why there is nothing new. */
  readonly trouble?: string | undefined;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Lines that are no rows: head, two heads of tables, two blanks, and the keys. */
const OTHER_LINES = 6;

const KEYS = 'q quit   sort by: p packets  b bytes  l lost  s last seen  a address';

/** Exporters get half of a screen, or what collectors do not need. */
export function rowsThatFit(
  { rows }: Size,
  view: TopView,
): { exporters: number; collectors: number } {
  const room = Math.max(2, rows - OTHER_LINES);
  const wanted = {
    exporters: view.exporters?.length ?? 0,
    collectors: view.collectors?.length ?? 0,
  };
  const half = Math.ceil(room / 2);
  const collectors = Math.min(wanted.collectors, Math.max(room - half, room - wanted.exporters));
  return { exporters: Math.min(wanted.exporters, room - collectors), collectors };
}

/** As many lines as the terminal has rows, none longer than it has columns. */
export function topFrame(view: TopView | undefined, state: TopState, size: Size): string[] {
  const { target, now, order, trouble } = state;
  const time = now.toISOString().slice(11, 19);
  const head = `floxy top  ${target}  ${time} UTC  sorted by ${order}${countText(view)}`;
  const body =
    view === undefined
      ? [trouble ?? 'the first look takes a moment …']
      : [trouble ?? totalText(view.total), ...tables(view, now, rowsThatFit(size, view))];
  const lines = [head, ...body].map(withoutControls);
  const shown = lines.slice(0, Math.max(1, size.rows - 1));
  while (shown.length < size.rows - 1) shown.push('');
  return [...shown, KEYS].map((line) => line.slice(0, size.columns));
}

/** How many there are, as not all of them may fit. */
function countText({ exporterCount, collectorCount }: TopView = {}): string {
  if (exporterCount === undefined || collectorCount === undefined) return '';
  return `  ${counted(Number(exporterCount), 'exporter')}, ${counted(Number(collectorCount), 'collector')}`;
}

/** For outputs that are no terminal: the same, one below the other. */
export function topLines(view: TopView, { now }: TopState): string {
  const all = { exporters: Number.POSITIVE_INFINITY, collectors: Number.POSITIVE_INFINITY };
  const lines = [`${now.toISOString()}  ${totalText(view.total)}`, ...tables(view, now, all)];
  return `${lines.map(withoutControls).join('\n')}\n`;
}

function tables(
  view: TopView,
  now: Date,
  fit: { readonly exporters: number; readonly collectors: number },
): string[] {
  const { exporters = [], collectors = [] } = view;
  const exporterRows = exporters.slice(0, fit.exporters).map((row) => topExporterRow(row, now));
  const collectorRows = collectors.slice(0, fit.collectors).map((row) => collectorRow(row, now));
  return [
    ...formatTable(TOP_EXPORTER_COLUMNS, exporterRows).trimEnd().split('\n'),
    '',
    ...formatTable(COLLECTOR_COLUMNS, collectorRows).trimEnd().split('\n'),
    '',
  ];
}

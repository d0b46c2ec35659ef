import { z } from 'zod';
import type { ColumnKind } from '../model/columns.ts';
import type { RowFormatKind } from '../model/format.ts';
import { type ChosenColumn, chooseColumns, textName } from './columns.ts';
import { makeEnding, makeLiteral } from './literal.ts';
import {
  fieldsOption,
  LINE_FEED,
  protocolNamesOption,
  type TimeStyle,
  timesOption,
} from './options.ts';
import { type Cell, type RowFrame, SlottedFormat } from './row-format.ts';
import { namedCell, textCell } from './text-cells.ts';
import { valueNames } from './value-names.ts';

const jsonOptions = z.strictObject({
  fields: fieldsOption,
  times: timesOption,
  /** Whether fields without value are written: 0, "" and null. By default only when `fields` names them. */
  empty: z.boolean().optional(),
  protocol_names: protocolNamesOption,
});

type JsonOptions = z.infer<typeof jsonOptions>;

/**
 * Flat JSON (RFC 8259): an object a row, a line an object. Numbers of 64 bits have all their digits.
 * Times of which the unit is not plain by itself have it in their name: `time_received_ms`.
 */
export const jsonFormat: RowFormatKind<JsonOptions> = {
  name: 'json',
  options: jsonOptions,
  recordsPerMessage: 1,
  create: (options, { extraColumns, keyed }) => {
    const columns = chooseColumns(extraColumns, options.fields);
    const empty = options.empty ?? options.fields !== undefined;
    return new SlottedFormat({
      columns: columns.map((chosen) => ({ chosen, cell: jsonCell(chosen, options, empty) })),
      frame: FRAME,
      encodeText: JSON.stringify,
      keyed,
      separator: LINE_FEED,
      told: { framing: 'lines' },
    });
  },
};

function jsonCell(chosen: ChosenColumn, options: JsonOptions, empty: boolean): Cell {
  const { key, kind } = chosen.column;
  const name = JSON.stringify(textName(chosen, options.times));
  const names = valueNames(key, options.protocol_names);
  const quote = names || isQuoted(kind, options.times) ? '"' : '';
  const around = {
    before: makeLiteral(`,${name}:${quote}`),
    after: makeEnding(quote),
    zero: makeLiteral(empty ? `,${name}:${names ? 'null' : zeroOf(kind)}` : ''),
  };
  return names ? namedCell(names, around) : textCell(kind, around, options.times);
}

/** Whether values of the kind are strings; texts are already encoded with their quotes. */
function isQuoted(kind: ColumnKind, times: TimeStyle): boolean {
  return kind === 'address' || kind === 'mac' || (kind === 'time' && times === 'rfc3339');
}

function zeroOf(kind: ColumnKind): string {
  switch (kind) {
    case 'u8':
    case 'u16':
    case 'u32':
    case 'u64':
      return '0';
    case 'text':
      return '""';
    case 'time':
    case 'address':
    case 'mac':
      return 'null';
  }
}

/** Every cell begins with a comma; that of the first is where the brace goes. */
const FRAME: RowFrame = {
  before: 1,
  after: 1,
  close(view, start, end) {
    view.setUint8(end, 0x7d);
    if (start === end) view.setUint8(start - 1, 0x7b);
    else view.setUint8(start, 0x7b);
    return start === end ? start - 1 : start;
  },
};

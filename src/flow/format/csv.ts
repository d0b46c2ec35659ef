import { z } from 'zod';
import { ownOctets } from '../../base/octets.ts';
import type { ColumnKind } from '../model/columns.ts';
import type { RowFormatKind } from '../model/format.ts';
import { type ChosenColumn, chooseColumns, textName } from './columns.ts';
import { makeEnding, makeLiteral } from './literal.ts';
import { fieldsOption, LINE_FEED, protocolNamesOption, timesOption } from './options.ts';
import { type Cell, type RowFrame, SlottedFormat } from './row-format.ts';
import { namedCell, textCell } from './text-cells.ts';
import { valueNames } from './value-names.ts';

const csvOptions = z.strictObject({
  fields: fieldsOption,
  times: timesOption,
  protocol_names: protocolNamesOption,
});

type CsvOptions = z.infer<typeof csvOptions>;

/**
 * CSV: fields quoted as RFC 4180 has it, lines that end with a line feed, a header line where a file or stream begins.
 * Numbers that are unknown are 0, everything else that is unknown is empty.
 */
export const csvFormat: RowFormatKind<CsvOptions> = {
  name: 'csv',
  options: csvOptions,
  recordsPerMessage: 1,
  create: (options, { extraColumns, keyed }) => {
    const columns = chooseColumns(extraColumns, options.fields);
    const names = columns.map((chosen) => quoteWhereNeeded(textName(chosen, options.times)));
    return new SlottedFormat({
      columns: columns.map((chosen) => ({ chosen, cell: csvCell(chosen, options) })),
      frame: FRAME,
      encodeText: quoteWhereNeeded,
      keyed,
      separator: LINE_FEED,
      told: { framing: 'lines', header: ownOctets(`${names.join(',')}\n`) },
    });
  },
};

function csvCell({ column: { key, kind } }: ChosenColumn, options: CsvOptions): Cell {
  const names = valueNames(key, options.protocol_names);
  const zero = names ? ',' : `,${ZEROS[kind]}`;
  const around = {
    before: makeLiteral(','),
    after: makeEnding(''),
    zero: makeLiteral(zero),
  };
  return names ? namedCell(names, around) : textCell(kind, around, options.times);
}

const ZEROS: Readonly<Record<ColumnKind, string>> = {
  u8: '0',
  u16: '0',
  u32: '0',
  u64: '0',
  time: '',
  address: '',
  mac: '',
  text: '',
};

function quoteWhereNeeded(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Every cell begins with a comma: that of the first is left out. */
const FRAME: RowFrame = { before: 0, after: 0, close: (_, start) => start + 1 };

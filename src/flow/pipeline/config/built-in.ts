import type { ZodType } from 'zod';
import { columnsOf, EXTRA_COLUMNS, type ExtraColumn } from '../../decode/columns/extra-columns.ts';
import { enrichmentOptions } from '../../enrich/options.ts';
import { ROW_FORMATS } from '../../format/row-formats.ts';
import { vflowOptions } from '../../format/vflow/vflow-json.ts';
import type { Kinds } from './kinds.ts';

/** Written from datagrams, not from rows. */
export const VFLOW_FORMAT = 'vflow';

/** What documents may name; producers are loaded as documents name them. */
export const BUILT_IN: Omit<Kinds, 'producers'> = {
  formats: new Map<string, ZodType>([
    ...[...ROW_FORMATS].map(([name, { options }]) => [name, options] as const),
    [VFLOW_FORMAT, vflowOptions],
  ]),
  enrich: enrichmentOptions,
  mapping: EXTRA_COLUMNS,
  tryFormat: (name, options, mapping) => {
    const extraColumns = columnsOf(mapping as ExtraColumn[]);
    ROW_FORMATS.get(name)?.create(options, { extraColumns, keyed: false });
  },
};

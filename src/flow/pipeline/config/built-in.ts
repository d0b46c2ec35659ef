import { z } from 'zod';
import { enrichmentOptions } from '../../enrich/options.ts';
import { ROW_FORMATS } from '../../format/row-formats.ts';
import { PRODUCER_KINDS } from '../../produce/kinds.ts';
import type { Kinds } from './kinds.ts';

/** What documents may name without plug-ins. */
export const BUILT_IN: Kinds = {
  formats: new Map([...ROW_FORMATS].map(([name, { options }]) => [name, options])),
  producers: PRODUCER_KINDS,
  enrich: enrichmentOptions,
  mapping: z.strictObject({}),
};

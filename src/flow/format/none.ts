import { z } from 'zod';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { FlowBatch } from '../model/flow-batch.ts';
import type { RowFormatKind } from '../model/format.ts';

const NOTHING: Omit<EncodedBatch, 'records'> = {
  bytes: Buffer.alloc(0),
  ends: new Uint32Array(0),
};

/** Writes nothing: flow is decoded, enriched and counted. For who wants the counters alone, and to see what a host can do. */
export const noneFormat: RowFormatKind<unknown> = {
  name: 'none',
  options: z.strictObject({}),
  create: () => ({
    encode: ({ rows }: FlowBatch) => ({ ...NOTHING, records: rows }),
  }),
};

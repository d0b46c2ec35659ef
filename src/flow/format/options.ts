/** Options that several formats have. */
import { z } from 'zod';

/** What stands between rows that share a message, in formats that are text. */
export const LINE_FEED = 0x0a;

/** Columns by name, in the order in which they are written; absent: all, in the order of the catalogue. */
export const fieldsOption = z
  .array(z.string())
  .min(1)
  .refine((names) => new Set(names).size === names.length, 'a field is named twice')
  .optional();

/** How times are written: as RFC 3339 has them, or as whole seconds, milliseconds and so on of the Unix epoch. */
export const timesOption = z.enum(['rfc3339', 's', 'ms', 'us', 'ns']).default('rfc3339');

export type TimeStyle = z.infer<typeof timesOption>;

/** Whether `etype` and `proto` are written by name, as goflow2's JSON has them: IPv4, TCP; those without in digits. */
export const protocolNamesOption = z.boolean().default(false);

import { z } from 'zod';
import { COLUMNS, type Column, type ColumnKind } from '../../model/columns.ts';
import type { ColumnMemory, FlowBatch, WordPairs } from '../../model/flow-batch.ts';
import { fieldEnd, fieldStart, textBetween } from '../field-values.ts';
import { type TemplateField, VARIABLE_LENGTH } from '../template.ts';
import {
  ipv4Kernel,
  ipv6Kernel,
  type Kernel,
  macKernel,
  u8Kernel,
  u16Kernel,
  u32Kernel,
  u64Kernel,
} from './kernels.ts';
import { type MessageClock, type TimeForm, timeKernel } from './time-kernels.ts';

const KINDS = [
  'u8',
  'u16',
  'u32',
  'u64',
  'time',
  'address',
  'mac',
  'text',
] as const satisfies readonly ColumnKind[];
const TIMES = [
  'seconds',
  'milliseconds',
  'ntpMicroseconds',
  'ntpNanoseconds',
  'uptime',
] as const satisfies readonly TimeForm[];
/** Octets of a text that are kept. */
const MAX_TEXT = 1024;

/** What users say of columns of their own, in `mapping` of a pipeline's configuration. */
export const EXTRA_COLUMNS = z
  .array(
    z.strictObject({
      /** In lowerCamelCase, as the other columns. */
      column: z
        .string()
        .regex(
          /^[a-z][a-zA-Z0-9]{0,62}$/,
          'must be a name such as applicationId: letters and digits, the first one small',
        ),
      /** The information element, and the enterprise that it is of; 0 is IANA, and all of NetFlow v9. */
      element: z.int().min(0).max(65_535),
      enterprise: z.int().min(0).max(4_294_967_295).default(0),
      kind: z.enum(KINDS),
      /** How a column of kind `time` is written in records. */
      time: z.enum(TIMES).default('milliseconds'),
      meaning: z.string().max(200).optional(),
    }),
  )
  .max(64)
  .superRefine((columns, context) => {
    const taken = new Set<string>(COLUMNS.map(({ key }) => key));
    for (const [i, { column }] of columns.entries()) {
      if (taken.has(column)) {
        context.addIssue({
          code: 'custom',
          path: [i, 'column'],
          message: `there is a column ${column} already: take another name`,
        });
      }
      taken.add(column);
    }
  });

export type ExtraColumn = z.infer<typeof EXTRA_COLUMNS>[number];

/** The columns that a batch has for them. */
export function columnsOf(extras: readonly ExtraColumn[]): Column[] {
  return extras.map(({ column, kind, meaning, element, enterprise }) => ({
    key: column,
    kind,
    meaning:
      meaning ?? `element ${element}${enterprise === 0 ? '' : ` of enterprise ${enterprise}`}`,
  }));
}

/**
 * The kernel for a user's column.
 *
 * @param out its memory in the batch
 * @returns undefined when the field cannot be of its kind
 */
export function extraKernel(
  extra: ExtraColumn,
  field: TemplateField,
  version: 5 | 9 | 10,
  out: ColumnMemory[ColumnKind],
  batch: FlowBatch,
  clock: MessageClock,
): Kernel | undefined {
  switch (extra.kind) {
    case 'u8':
      return u8Kernel(field, out as Uint8Array);
    case 'u16':
      return u16Kernel(field, out as Uint16Array);
    case 'u32':
      return u32Kernel(field, out as Uint32Array);
    case 'u64':
      return u64Kernel(field, out as WordPairs);
    case 'time':
      return timeKernel(field, extra.time, version, out as Float64Array, clock);
    case 'mac':
      return field.length === 6 ? macKernel(field, out as WordPairs) : undefined;
    case 'address':
      return addressKernel(field, out as Uint32Array);
    case 'text':
      return textKernel(field, out as Uint32Array, batch);
  }
}

/** Addresses by the length of their field; undefined for one that no address has. */
export function addressKernel(field: TemplateField, out: Uint32Array): Kernel | undefined {
  if (field.length === 4) return ipv4Kernel(field, out);
  return field.length === 16 ? ipv6Kernel(field, out) : undefined;
}

/** Texts in UTF-8. */
function textKernel(field: TemplateField, out: Uint32Array, batch: FlowBatch): Kernel {
  return (records) => {
    const { bytes, rows, count } = records;
    for (let i = 0; i < count; i++) {
      const start = fieldStart(records, i, field);
      const end = Math.min(fieldEnd(records, i, field), start + MAX_TEXT);
      out[rows[i] as number] = batch.textIndex(textBetween(bytes, start, end));
    }
  };
}

/** Whether a field has a value at all. */
export function hasValue({ length }: TemplateField): boolean {
  return length === VARIABLE_LENGTH || length > 0;
}

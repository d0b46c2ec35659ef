/** What another process or node tells is looked at before it is believed: whole templates, values in their ranges. */
import { z } from 'zod';
import { DECODE_LIMITS } from '../decode/limits.ts';
import {
  readTemplateHead,
  TEMPLATE_HEADER,
  type TemplateShape,
  templateEnd,
  viewOf,
} from '../decode/template-parser.ts';
import type { SharedChange, TemplateChange, TemplatePage } from './kept-change.ts';
import { PAGE_CHANGES } from './read-page.ts';

const MAX_WORD = 0xffff_ffff;
/** Template ids below are those of other sets (RFC 7011 section 3.3.2). */
const FIRST_TEMPLATE_ID = 256;
const MAX_EPOCH = 64;
/** Octets of a name, or digits of a rate. */
const MAX_NAME = 1024;

const word = z.int().min(0).max(MAX_WORD);
const word16 = z.int().min(0).max(0xffff);
const base = {
  address: z.instanceof(Uint8Array).refine(({ length }) => length === 16),
  seenMs: z.int().min(0),
  trusted: z.boolean(),
};

const CHANGE = z.discriminatedUnion('what', [
  z
    .object({
      ...base,
      what: z.literal('template'),
      port: word16,
      version: z.literal([9, 10]),
      domain: word,
      templateId: word16.min(FIRST_TEMPLATE_ID),
      kind: z.enum(['data', 'options']),
      record: z.instanceof(Uint8Array),
    })
    .refine(isTemplate),
  z.object({
    ...base,
    what: z.literal('rate'),
    key: word,
    value: z
      .string()
      .regex(/^[1-9]\d{0,9}$/)
      .refine((rate) => Number(rate) <= MAX_WORD),
  }),
  z.object({
    ...base,
    what: z.literal('interface'),
    key: word,
    value: z.string().min(1).max(MAX_NAME),
  }),
]);

const PAGE = z.object({
  epoch: z.string().min(1).max(MAX_EPOCH),
  next: z.int().min(0),
  hasMore: z.boolean(),
  changes: z.array(z.unknown()).max(PAGE_CHANGES),
});

/** A page, and how many changes were left out of it because they cannot be. */
export interface CheckedPage extends TemplatePage {
  readonly refused: number;
}

/** @throws Error when it is no page at all */
export function checkPage(page: unknown): CheckedPage {
  const { success, data } = PAGE.safeParse(page);
  if (!success) throw new Error('templates came in a form that is none');
  const changes = data.changes.flatMap((change): SharedChange[] => {
    const checked = CHANGE.safeParse(change);
    return checked.success ? [checked.data] : [];
  });
  return { ...data, changes, refused: data.changes.length - changes.length };
}

type TemplateRecord = Pick<TemplateChange, 'version' | 'kind' | 'templateId' | 'record'>;

/** Whether a record is one whole template of this id, or none: it was withdrawn. */
function isTemplate({ version, kind, templateId, record }: TemplateRecord): boolean {
  if (record.length === 0) return true;
  const family = version === 10 ? 'ipfix' : 'netflow9';
  const shape: TemplateShape = kind === 'options' ? `${family}-options` : family;
  if (record.length < TEMPLATE_HEADER[shape]) return false;
  const view = viewOf(record);
  const head = readTemplateHead(view, 0, shape);
  if (head.id !== templateId || head.fieldCount === 0 || head.scopeCount > head.fieldCount) {
    return false;
  }
  if (head.fieldCount > DECODE_LIMITS.fieldsPerTemplate) return false;
  return templateEnd(view, 0, record.length, head, version === 10) === record.length;
}

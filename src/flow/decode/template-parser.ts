import { type Template, type TemplateField, VARIABLE_LENGTH } from './template.ts';

/** How template records of a set begin. */
export type TemplateShape = 'netflow9' | 'netflow9-options' | 'ipfix' | 'ipfix-options';

/** Octets of a template record's header: the least that one can have. */
export const TEMPLATE_HEADER: Readonly<Record<TemplateShape, number>> = {
  netflow9: 4,
  'netflow9-options': 6,
  ipfix: 4,
  'ipfix-options': 6,
};

/** What a template record says before its fields. */
export interface TemplateHead {
  readonly id: number;
  readonly fieldCount: number;
  readonly scopeCount: number;
  /** Octets of the header. */
  readonly length: number;
}

/** A view of the same octets. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/**
 * Reads the header of a template record (RFC 7011 sections 3.4.1 and 3.4.2, RFC 3954 sections 5.2 and 6.1).
 *
 * @param at where it begins; TEMPLATE_HEADER octets are there
 */
export function readTemplateHead(view: DataView, at: number, shape: TemplateShape): TemplateHead {
  const id = view.getUint16(at);
  const second = view.getUint16(at + 2);
  if (shape === 'netflow9-options') {
    // Lengths in octets here, of scopes and of options; a field has four.
    const scopeCount = second >>> 2;
    return { id, fieldCount: scopeCount + (view.getUint16(at + 4) >>> 2), scopeCount, length: 6 };
  }
  if (shape === 'ipfix' || shape === 'netflow9' || second === 0) {
    return { id, fieldCount: second, scopeCount: 0, length: 4 };
  }
  return { id, fieldCount: second, scopeCount: view.getUint16(at + 4), length: 6 };
}

/**
 * The end of a template record.
 *
 * @param end where its set ends @returns -1 when the record is cut
 */
export function templateEnd(
  view: DataView,
  at: number,
  end: number,
  head: TemplateHead,
  enterprise: boolean,
): number {
  let to = at + head.length;
  if (!enterprise) {
    to += head.fieldCount * 4;
    return to <= end ? to : -1;
  }
  for (let i = 0; i < head.fieldCount; i++) {
    if (to + 4 > end) return -1;
    to += view.getUint8(to) & 0x80 ? 8 : 4;
  }
  return to <= end ? to : -1;
}

/**
 * Makes a template of its record.
 *
 * @param raw the whole record: templateEnd() has seen that it is not cut
 */
export function parseTemplate(raw: Uint8Array, shape: TemplateShape): Template {
  const view = viewOf(raw);
  const head = readTemplateHead(view, 0, shape);
  const enterprise = shape.startsWith('ipfix');
  const fields: TemplateField[] = [];
  const runLengths: number[] = [];
  let offset = 0;
  let at = head.length;
  for (let i = 0; i < head.fieldCount; i++) {
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    const private_ = enterprise && (type & 0x8000) !== 0;
    const pen = private_ ? view.getUint32(at + 4) : 0;
    const id = private_ ? type & 0x7fff : type;
    fields.push({ id, pen, length, scope: i < head.scopeCount, run: runLengths.length, offset });
    at += private_ ? 8 : 4;
    if (length === VARIABLE_LENGTH) {
      runLengths.push(offset);
      offset = 0;
    } else offset += length;
  }
  runLengths.push(offset);
  const variables = runLengths.length - 1;
  return {
    id: head.id,
    version: enterprise ? 10 : 9,
    kind: shape.endsWith('options') ? 'options' : 'data',
    fields,
    scopeCount: head.scopeCount,
    recordLength: runLengths.reduce((sum, length) => sum + length, variables),
    runLengths,
    variable: variables > 0,
    raw,
  };
}

/** Whether the record between two positions is that of a template. */
export function isSameTemplate(
  { raw, kind }: Template,
  shape: TemplateShape,
  bytes: Uint8Array,
  at: number,
  end: number,
): boolean {
  const isOptions = shape === 'ipfix-options' || shape === 'netflow9-options';
  if (raw.length !== end - at || (kind === 'options') !== isOptions) return false;
  let differs = 0;
  for (let i = 0; i < raw.length; i++) differs |= (raw[i] as number) ^ (bytes[at + i] as number);
  return differs === 0;
}

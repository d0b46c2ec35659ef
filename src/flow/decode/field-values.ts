import {
  type RecordSet,
  type Template,
  type TemplateField,
  VARIABLE_LENGTH,
  variableEnd,
  variableStart,
} from './template.ts';

/** Where a field begins in a record: of one with variable length, its value. */
export function fieldStart(
  { bytes, positions, stride }: RecordSet,
  record: number,
  field: TemplateField,
): number {
  const at = (positions[field.run * stride + record] as number) + field.offset;
  return field.length === VARIABLE_LENGTH ? variableStart(bytes, at) : at;
}

/** Where a field ends in a record. */
export function fieldEnd(
  { bytes, positions, stride }: RecordSet,
  record: number,
  field: TemplateField,
): number {
  const at = (positions[field.run * stride + record] as number) + field.offset;
  return field.length === VARIABLE_LENGTH ? variableEnd(bytes, at) : at + field.length;
}

/** A number without sign, of up to eight octets, as a double; of more, what the last eight say. */
export function fieldNumber(set: RecordSet, record: number, field: TemplateField): number {
  const at = (set.positions[field.run * set.stride + record] as number) + field.offset;
  if (field.length === 4) return set.view.getUint32(at);
  if (field.length === 2) return set.view.getUint16(at);
  if (field.length === 1) return set.bytes[at] as number;
  const end = fieldEnd(set, record, field);
  let value = 0;
  for (let i = Math.max(fieldStart(set, record, field), end - 8); i < end; i++) {
    value = value * 256 + (set.bytes[i] as number);
  }
  return value;
}

const utf8 = new TextDecoder();

/** A text in UTF-8, up to the first NUL: exporters fill up with them. */
export function fieldText(set: RecordSet, record: number, field: TemplateField): string {
  return textBetween(set.bytes, fieldStart(set, record, field), fieldEnd(set, record, field));
}

/** The text between two positions, up to the first NUL. */
export function textBetween(bytes: Uint8Array, start: number, end: number): string {
  let to = start;
  while (to < end && bytes[to] !== 0) to++;
  return utf8.decode(bytes.subarray(start, to));
}

/** The field of an IANA element, of the first that there is; scope types of NetFlow v9 are no elements. */
export function findField(
  { fields, version }: Template,
  ...ids: number[]
): TemplateField | undefined {
  for (const id of ids) {
    const found = fields.find(
      (field) =>
        field.id === id && field.pen === 0 && field.length > 0 && !(field.scope && version === 9),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

import type { Template, TemplateField } from '../../decode/template.ts';
import { VARIABLE_LENGTH } from '../../decode/template.ts';
import type { AbstractType } from '../../elements/element.ts';
import { type Literal, makeLiteral } from '../literal.ts';
import { type FieldKernel, kernelOf } from './field-kernels.ts';
import { KIND, type ValueKind, valueKind, valueRoom } from './value-kind.ts';

/** One value of a record, and what is written before it. */
export interface PlannedField {
  readonly before: Literal;
  readonly kind: ValueKind;
  /** Octets; VARIABLE_LENGTH. */
  readonly length: number;
  /** Where it is: see TemplateField. */
  readonly run: number;
  readonly offset: number;
  /** Of fields of variable length, whose kind follows from their length. */
  readonly type: AbstractType | undefined;
}

/** How records of a template are written. */
export interface RecordPlan {
  readonly fields: readonly PlannedField[];
  /** What writes each of them. */
  readonly kernels: readonly FieldKernel[];
  readonly after: Literal;
  /** Octets that a record takes at most, but for its values of variable length. */
  readonly room: number;
  readonly variable: boolean;
}

/**
 * How the records of a template are written, as an array of `{"I":id,"V":value}`. Fields that are 0 long are left out:
 * they say nothing, and there may be a thousand of them for one octet.
 *
 * @param typeOf of an element, undefined when it is unknown
 */
export function planElements(
  { fields, version, variable }: Template,
  typeOf: (field: TemplateField) => AbstractType | undefined,
): RecordPlan {
  const present = fields.filter(({ length }) => length > 0);
  const after = ({ pen }: TemplateField) => (version === 10 && pen !== 0 ? `,"E":${pen}}` : '}');
  return makePlan(
    present.map((field, i) => {
      const previous = present[i - 1];
      const before = previous ? `${after(previous)},` : ',[';
      return { ...field, text: `${before}{"I":${field.id},"V":`, type: typeOf(field) };
    }),
    present.length === 0 ? ',[]' : `${after(present.at(-1) as TemplateField)}]`,
    variable,
  );
}

interface FieldText extends Pick<TemplateField, 'length' | 'run' | 'offset'> {
  readonly text: string;
  readonly type: AbstractType | undefined;
}

/** @param fields with what stands before each */
export function makePlan(
  fields: readonly FieldText[],
  after: string,
  variable: boolean,
): RecordPlan {
  const planned = fields.map(({ text, length, run, offset, type }) => ({
    before: makeLiteral(text),
    kind: length === VARIABLE_LENGTH ? KIND.hex : valueKind(type, length),
    length,
    run,
    offset,
    type,
  }));
  const room = planned.reduce(
    (sum, { before, kind, length }) =>
      sum + before.length + (length === VARIABLE_LENGTH ? 0 : valueRoom(kind, length)),
    after.length,
  );
  return {
    fields: planned,
    kernels: planned.map(kernelOf),
    after: makeLiteral(after),
    room,
    variable,
  };
}

import {
  ABSTRACT_TYPES,
  type AbstractType,
  type Element,
} from '../../../src/flow/elements/element.ts';
import { ElementRegistry, elementOf, REVERSE_PEN } from '../../../src/flow/elements/elements.ts';
import type { OctetWriter } from './octets.ts';
import type { Random } from './random.ts';
import { lengthsOf } from './values.ts';

export const VARIABLE = 65_535;

export interface WrittenField {
  readonly pen: number;
  readonly id: number;
  /** Octets, or VARIABLE. */
  readonly length: number;
  readonly scope: boolean;
  /** Undefined: nobody knows this element. */
  readonly type: AbstractType | undefined;
}

export interface WrittenTemplate {
  readonly id: number;
  readonly kind: 'data' | 'options';
  readonly fields: readonly WrittenField[];
}

const byType = new Map<AbstractType, Element[]>(ABSTRACT_TYPES.map((type) => [type, []]));
for (const one of new ElementRegistry()) byType.get(one.type)?.push(one);
const types = ABSTRACT_TYPES.filter((type) => byType.get(type)?.length);

/** A template of version 9 or 10 (IPFIX), each type as likely as any other. */
export function randomTemplate(random: Random, version: 9 | 10, id: number): WrittenTemplate {
  const kind = random.once(4) ? 'options' : 'data';
  const count = random.int(1, 9);
  const scopes = kind === 'options' ? random.int(1, count) : 0;
  const fields = Array.from({ length: count }, (_, i) => randomField(random, version, i < scopes));
  // Of records that take no octets nobody can say how many there are.
  const empty = fields.every(({ length }) => length === 0);
  return { id, kind, fields: empty ? [{ ...fields[0], ...OCTETS } as WrittenField] : fields };
}

const OCTETS = { pen: 0, id: 1, length: 8, type: 'unsigned64', scope: false } as const;

function randomField(random: Random, version: 9 | 10, scope: boolean): WrittenField {
  if (version === 9 && scope) {
    return { pen: 0, id: random.int(1, 5), length: random.int(0, 4), scope, type: 'unsigned32' };
  }
  const { pen, id, type } = randomElement(random, version);
  const octets = type === 'string' || type === undefined || lengthsOf(type)[0] === 0;
  const variable = version === 10 && random.once(octets ? 2 : 12);
  return { pen, id, type, scope, length: variable ? VARIABLE : random.pick(lengthsOf(type)) };
}

type Chosen = Pick<WrittenField, 'pen' | 'id' | 'type'>;

function randomElement(random: Random, version: 9 | 10): Chosen {
  if (random.once(12)) return { pen: version === 9 ? 0 : 424_242, id: 31_000, type: undefined };
  if (version === 10 && random.once(12)) {
    const id = random.pick([1, 2, 7, 8, 27, 56, 152]);
    return { pen: REVERSE_PEN, id, type: elementOf(REVERSE_PEN, id)?.type };
  }
  const chosen = random.pick(byType.get(random.pick(types)) as Element[]);
  const fits = version === 9 ? chosen.pen === 0 : chosen.id < 0x8000;
  return fits ? chosen : OCTETS;
}

/** Writes a template record. */
export function writeTemplate(to: OctetWriter, version: 9 | 10, template: WrittenTemplate): void {
  const { id, kind, fields } = template;
  const scopes = fields.filter(({ scope }) => scope).length;
  to.u16(id);
  if (kind === 'data') to.u16(fields.length);
  else if (version === 10) to.u16(fields.length).u16(scopes);
  else to.u16(scopes * 4).u16((fields.length - scopes) * 4);
  for (const { pen, id: element, length } of fields) {
    to.u16(pen === 0 ? element : element | 0x8000).u16(length);
    if (pen !== 0) to.u32(pen);
  }
}

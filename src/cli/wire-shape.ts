/** What has to be known of a message type to read its encoding. */
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';

/** How the value of a field is written. */
export type Kind = 'message' | 'string' | 'number' | 'long' | 'double' | 'bool' | 'enum' | 'other';

export interface Field {
  readonly name: string;
  readonly jsonName: string;
  readonly kind: Kind;
  readonly isList: boolean;
  readonly message: DescMessage | undefined;
  /** Of an enum. */
  readonly names: ReadonlyMap<number, Buffer>;
  /** A list whose values can stand behind one tag. */
  readonly isPackable: boolean;
  /** Its name as protobuf text has it before a value. */
  readonly prefix: Buffer;
}

/** Fields by number. */
export type Shape = readonly (Field | undefined)[];

/** Something that is left to the library. */
export class Unusual extends Error {}

const shapes = new WeakMap<DescMessage, Shape>();

export function shapeOf(schema: DescMessage): Shape {
  let shape = shapes.get(schema);
  if (shape === undefined) {
    const made: (Field | undefined)[] = [];
    for (const field of schema.fields) made[field.number] = fieldOf(field);
    shapes.set(schema, made);
    shape = made;
  }
  return shape;
}

function fieldOf(field: DescField): Field {
  const { name, jsonName } = field;
  const kind = kindOf(field);
  const isList = field.fieldKind === 'list';
  return {
    name,
    jsonName,
    kind,
    isList,
    isPackable: isList && !['message', 'string', 'other'].includes(kind),
    message: field.message,
    names: new Map(field.enum?.values.map((value) => [value.number, Buffer.from(value.name)])),
    prefix: Buffer.from(`${name}: `),
  };
}

function kindOf(field: DescField): Kind {
  if (field.fieldKind === 'map') return 'other';
  if (field.message !== undefined) return 'message';
  if (field.enum !== undefined) return 'enum';
  switch (field.scalar) {
    case ScalarType.STRING:
      return 'string';
    case ScalarType.UINT32:
      return 'number';
    case ScalarType.UINT64:
      return 'long';
    case ScalarType.DOUBLE:
      return 'double';
    case ScalarType.BOOL:
      return 'bool';
    default:
      return 'other';
  }
}

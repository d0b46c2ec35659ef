/** What messages of the API consist of, as far as files of rules have them: from the compiled protocol. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  fromBinary,
  ScalarType,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { packageRoot } from '../package-root.ts';

/** Of an enum the names of its values. */
export type ScalarKind = 'string' | 'bytes' | 'uint32' | 'bool' | readonly string[];

export function isScalar(kind: ScalarKind | Shape): kind is ScalarKind {
  return typeof kind === 'string' || Array.isArray(kind);
}

export interface Field {
  /** As in protobuf text, and in the paths of problems: `default_outputs`. */
  readonly name: string;
  /** As in JSON, and in messages of this program: `defaultOutputs`. */
  readonly jsonName: string;
  readonly isRepeated: boolean;
  readonly kind: ScalarKind | Shape;
}

/** A message. */
export interface Shape {
  readonly name: string;
  /** By both of their names. */
  readonly fields: ReadonlyMap<string, Field>;
}

const SCALARS: ReadonlyMap<ScalarType, ScalarKind & string> = new Map([
  [ScalarType.STRING, 'string'],
  [ScalarType.BYTES, 'bytes'],
  [ScalarType.UINT32, 'uint32'],
  [ScalarType.BOOL, 'bool'],
]);

const shapes = new WeakMap<DescMessage, Shape>();

/** @throws Error when it has fields of kinds that no file of rules has */
export function shapeOf(message: DescMessage): Shape {
  const known = shapes.get(message);
  if (known !== undefined) return known;
  const fields = message.fields.map(fieldOf);
  const byName = fields.flatMap((field) => [
    [field.name, field] as const,
    [field.jsonName, field] as const,
  ]);
  const shape = { name: message.name, fields: new Map(byName) };
  shapes.set(message, shape);
  return shape;
}

/** @param name of a message of collector.proto. @throws Error when the compiled protocol cannot be read */
export function loadShape(name: string): Shape {
  const file = path.join(packageRoot, 'dist', 'proto', 'types', 'floxy.binpb');
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file)));
  const message = registry.getMessage(`collector.proto.${name}`);
  if (message === undefined) throw new Error(`${file} has no message ${name}: run npm run build`);
  return shapeOf(message);
}

function fieldOf(field: DescField): Field {
  const isRepeated = field.fieldKind === 'list';
  return { name: field.name, jsonName: field.jsonName, isRepeated, kind: kindOf(field) };
}

function kindOf(field: DescField): ScalarKind | Shape {
  if (field.message !== undefined) return shapeOf(field.message);
  if (field.enum !== undefined) return field.enum.values.map(({ name }) => name);
  const kind = field.scalar === undefined ? undefined : SCALARS.get(field.scalar);
  if (kind !== undefined) return kind;
  throw new Error(`${field.toString()}: files of rules have no fields of this kind`);
}

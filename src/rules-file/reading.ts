/** What reading protobuf text and reading JSON have in common. */
import type { Field, ScalarKind, Shape } from './shape.ts';

/** A value of a message that was read: nothing of it is checked but its kind. */
export type Value = string | number | boolean | Uint8Array | MessageValue | Value[];

/** A message by the JSON names of its fields. */
export interface MessageValue {
  [jsonName: string]: Value;
}

/** Something wrong at a place in the text. */
export interface PlacedProblem {
  readonly path: string;
  readonly message: string;
  readonly offset: number;
}

/** The text cannot be read beyond this place. */
export class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem';
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** The way to a value: `rules[3].exporter`. */
export interface Path {
  readonly parent: Path | undefined;
  readonly name: string;
  readonly index: number | undefined;
}

export function formatPath({ parent, name, index }: Path): string {
  const step = index === undefined ? name : `${name}[${index}]`;
  return parent === undefined ? step : `${formatPath(parent)}.${step}`;
}

/** Where a member of a repeated field of the document itself is. */
export interface Member {
  /** Where to look at it. */
  readonly offset: number;
  /** Where its value begins. */
  readonly valueOffset: number;
}

/** Takes note of what is found while a document, or one member of it, is read. */
export class Notes {
  readonly problems: PlacedProblem[] = [];
  /** Of the repeated fields of the document itself, by their names. */
  readonly members = new Map<string, Member[]>();
  /** Offsets by path, of everything; undefined = they are not wanted. */
  readonly places: Map<string, number> | undefined;

  constructor(wantsPlaces: boolean) {
    this.places = wantsPlaces ? new Map() : undefined;
  }

  problem(path: Path, offset: number, message: string): void {
    this.problems.push({ path: formatPath(path), message, offset });
  }

  place(path: Path, offset: number): void {
    this.places?.set(formatPath(path), offset);
  }

  member({ name }: Field, member: Member): void {
    const members = this.members.get(name);
    if (members === undefined) this.members.set(name, [member]);
    else members.push(member);
  }
}

/** Reads a format. */
export interface Reader {
  /** Reads the whole document; yields between two members. @throws SyntaxProblem */
  read(): Generator<void, MessageValue>;
  /** Reads one member of it, whose value is here. @throws SyntaxProblem */
  readMember(field: Field, path: Path, valueOffset: number): void;
}

/** The end of a number of fields that are known. */
export function unknownField(name: string, shape: Shape): string {
  const known = [...new Set([...shape.fields.values()].map((field) => field.name))].join(', ');
  return `${shape.name} has no field ${JSON.stringify(name)}, it has: ${known}`;
}

export const MAX_UINT32 = 0xffff_ffff;

/** What stands where a value of a kind is expected. */
export function expectedOf(kind: Exclude<ScalarKind, 'string' | 'bytes'>): string {
  if (kind === 'uint32') return `a whole number from 0 to ${MAX_UINT32}`;
  return kind === 'bool' ? 'true or false' : `one of ${kind.join(', ')}`;
}

export const BOOLS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

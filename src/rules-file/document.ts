/** Files of rules: read with all that is wrong with them, and with the place of everything in them. */
import type { Problem } from '../base/errors.ts';
import { Turn } from '../base/turn.ts';
import { JsonReader } from './json-reader.ts';
import { type MessageValue, Notes, type Reader, SyntaxProblem } from './reading.ts';
import type { Field, Shape } from './shape.ts';
import { TextReader } from './text-reader.ts';

export type DocumentFormat = 'text' | 'json';

/** Counted from 1; columns in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A problem of a document; without a place when it is none of a place. */
export interface DocumentProblem extends Problem {
  readonly place: Place | undefined;
}

/** Files whose names end in .json are JSON, all others protobuf text. */
export function formatOf(file: string): DocumentFormat {
  return file.endsWith('.json') ? 'json' : 'text';
}

/** A message that was read from a file. */
export class Document {
  readonly message: MessageValue;
  /** What is wrong with its form. Paths are empty where the form ends. */
  readonly problems: readonly DocumentProblem[];
  readonly #text: string;
  readonly #shape: Shape;
  readonly #format: DocumentFormat;
  readonly #notes: Notes;
  #lineStarts: readonly number[] | undefined;

  private constructor(source: Source, message: MessageValue, notes: Notes, end?: SyntaxProblem) {
    this.#text = source.text;
    this.#shape = source.shape;
    this.#format = source.format;
    this.#notes = notes;
    this.message = message;
    const wrong = notes.problems.map(({ path, message: what, offset }) => ({
      path,
      message: what,
      place: this.#toPlace(offset),
    }));
    const last = end && { path: '', message: end.message, place: this.#toPlace(end.offset) };
    this.problems = last === undefined ? wrong : [...wrong, last];
  }

  /** Reads it, and lets the process do other things in between. */
  static async read(bytes: Uint8Array, shape: Shape, format: DocumentFormat): Promise<Document> {
    const text = new TextDecoder().decode(bytes);
    const source = { text, shape, format };
    const notes = new Notes(false);
    const bad = badUtf8(bytes, text);
    if (bad !== undefined) return new Document(source, {}, notes, bad);
    const steps = readerOf(source, notes).read();
    const turn = new Turn();
    try {
      for (;;) {
        const step = steps.next();
        if (step.done) return new Document(source, step.value, notes);
        if (turn.isOver) await turn.next();
      }
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      return new Document(source, {}, notes, error);
    }
  }

  /**
   * Where something is, by its path, such as `rules[3].outputs[0].collectors[1].endpoint.host`. Of what is not there it
   * is the place of what is around it; undefined when nothing is.
   */
  placeOf(path: string): Place | undefined {
    const match = /^(\w+)\[(\d+)\]/.exec(path);
    const [start = '', name = '', index = ''] = match ?? [];
    const member = this.#notes.members.get(name)?.[Number(index)];
    if (member === undefined) return undefined;
    if (path === start) return this.#toPlace(member.offset);
    const field = this.#shape.fields.get(name) as Field;
    const notes = new Notes(true);
    const root = { parent: undefined, name, index: Number(index) };
    readerOf({ text: this.#text, shape: this.#shape, format: this.#format }, notes).readMember(
      field,
      root,
      member.valueOffset,
    );
    for (
      let at = path;
      at !== start;
      at = at.slice(0, Math.max(at.lastIndexOf('.'), at.lastIndexOf('[')))
    ) {
      const offset = notes.places?.get(at);
      if (offset !== undefined) return this.#toPlace(offset);
    }
    return this.#toPlace(member.offset);
  }

  #toPlace(offset: number): Place {
    this.#lineStarts ??= lineStarts(this.#text);
    const line = countUpTo(this.#lineStarts, offset);
    const start = this.#lineStarts[line - 1] ?? 0;
    return { line, column: [...this.#text.slice(start, offset)].length + 1 };
  }
}

interface Source {
  readonly text: string;
  readonly shape: Shape;
  readonly format: DocumentFormat;
}

function readerOf({ text, shape, format }: Source, notes: Notes): Reader {
  return format === 'json'
    ? new JsonReader(text, shape, notes)
    : new TextReader(text, shape, notes);
}

/** The first place where bytes are no UTF-8. */
function badUtf8(bytes: Uint8Array, text: string): SyntaxProblem | undefined {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return undefined;
  } catch {
    return new SyntaxProblem(Math.max(0, text.indexOf('\ufffd')), 'the file is not UTF-8');
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** How many of the sorted numbers are not above a limit. */
function countUpTo(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** YAML text as values that know where they stand. */
import { isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { PipelinesProblem, Place } from './problem.ts';

export type Path = readonly PropertyKey[];

/** Aliases of anchors may make a document larger than its text; this bounds by how much (yaml: maxAliasCount). */
const MAX_ALIASES = 100;

const START: Place = { line: 1, column: 1 };

/** A YAML document. */
export class YamlDocument {
  /** Plain values; undefined when the text is no YAML. */
  readonly value: unknown;
  /** What is wrong with it as YAML. */
  readonly problems: readonly PipelinesProblem[];
  readonly #root: Node | null;
  readonly #lines = new LineCounter();

  constructor(text: string) {
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    this.#root = document.contents;
    const problems = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
      ...this.#at(pos[0]),
      path: '',
      message: explain(message),
    }));
    if (problems.length === 0) {
      try {
        this.value = document.toJS({ maxAliasCount: MAX_ALIASES });
      } catch (error) {
        problems.push({ ...START, path: '', message: (error as Error).message });
      }
    }
    this.problems = problems;
  }

  /** Where a value stands; of one that is missing, what should have had it. */
  placeOfValue(path: Path): Place {
    return this.#place(this.#walk(path).node);
  }

  /** Where the last key of a path stands. */
  placeOfKey(path: Path): Place {
    const { key, node } = this.#walk(path);
    return this.#place(key ?? node);
  }

  #walk(path: Path): { key: Node | undefined; node: Node | null } {
    let node: Node | null = this.#root;
    let key: Node | undefined;
    for (const part of path) {
      const next = childOf(node, part);
      if (next === undefined) return { key, node };
      ({ key } = next);
      node = next.value;
    }
    return { key, node };
  }

  #place(node: Node | null): Place {
    const offset = node?.range?.[0];
    return offset === undefined ? START : this.#at(offset);
  }

  #at(offset: number): Place {
    const { line, col: column } = this.#lines.linePos(offset);
    // Of an empty text.
    return line === 0 ? START : { line, column };
  }
}

/** A part of a map or a list, with the key where it has one. A key without a value stands for it. */
function childOf(
  node: Node | null,
  part: PropertyKey,
): { key: Node | undefined; value: Node | null } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
    if (!isPair(pair) || !isNode(pair.key)) return undefined;
    return { key: pair.key, value: isNode(pair.value) ? pair.value : pair.key };
  }
  if (node !== null && 'items' in node && typeof part === 'number') {
    const item: unknown = (node.items as unknown[])[part];
    return isNode(item) ? { key: undefined, value: item } : undefined;
  }
  return undefined;
}

function explain(message: string): string {
  return message === 'Map keys must be unique'
    ? 'this key is there already: leave one of them'
    : message;
}

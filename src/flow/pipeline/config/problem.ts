/** Where something stands in a file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a pipelines document. */
export interface PipelinesProblem extends Place {
  /** The key that it is about, such as `pipelines[0].producer.kind`; empty for the whole. */
  readonly path: string;
  /** What is wrong, and what is expected. */
  readonly message: string;
}

/** A pipelines document cannot be used: all that is wrong with it, in the order of the text. */
export class PipelinesError extends Error {
  override readonly name = 'PipelinesError';
  readonly problems: readonly PipelinesProblem[];

  /** @param file as messages name it */
  constructor(file: string, problems: readonly PipelinesProblem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    super(sorted.map((problem) => formatProblem(file, problem)).join('\n'));
    this.problems = sorted;
  }
}

/** `FILE:LINE:COLUMN: pipelines[0].workers: must be …`, as editors and compilers have it. */
function formatProblem(file: string, { line, column, path, message }: PipelinesProblem): string {
  const about = path === '' ? '' : `${path}: `;
  return `${file}:${line}:${column}: ${about}${message}`;
}

/** `pipelines[0].producer.kind`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/** One setting that cannot be used. */
export interface ConfigProblem {
  readonly variable: string;
  /** As it stands in the environment; undefined when it is not set. */
  readonly value: string | undefined;
  /** What is allowed, or what to do. */
  readonly message: string;
}

/** The environment cannot be used: all that is wrong with it. Nothing has been touched yet. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(formatProblems(problems));
    this.problems = problems;
  }
}

/** One line for each problem: variable, value and what is allowed. */
export function formatProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(formatProblem).join('\n');
}

function formatProblem({ variable, value, message }: ConfigProblem): string {
  const found = value === undefined ? ' is not set' : `=${JSON.stringify(value)}`;
  return `${variable}${found}: ${message}`;
}

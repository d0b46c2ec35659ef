import type { ConfigProblem } from './problem.ts';

/** An empty variable counts as not set. */
export function withoutEmpty(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
}

/** What a schema reports. */
interface ParseError {
  readonly issues: readonly {
    readonly path: readonly PropertyKey[];
    readonly message: string;
  }[];
}

/** The problems of a schema whose keys are variables. */
export function problemsOf(error: ParseError | undefined, env: NodeJS.ProcessEnv): ConfigProblem[] {
  return (error?.issues ?? []).map(({ path, message }) => {
    const variable = String(path[0]);
    return { variable, value: env[variable], message };
  });
}

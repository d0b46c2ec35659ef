import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../base/errors.ts';
import type { ConfigProblem } from './problem.ts';

/** A variable that names a file; undefined where it is not set, or cannot be read. */
interface FileSetting {
  readonly variable: string;
  readonly path: string | undefined;
}

/** A variable that others need beside them. */
interface Need {
  readonly variable: string;
  readonly neededBy: readonly string[];
}

/** Which of the variables are missing beside those that are set. */
export function missingVariables(env: NodeJS.ProcessEnv, needs: readonly Need[]): ConfigProblem[] {
  return needs.flatMap(({ variable, neededBy }) => {
    const wanted = neededBy.find((name) => env[name] !== undefined);
    if (env[variable] !== undefined || wanted === undefined) return [];
    return [{ variable, value: undefined, message: `it is needed because ${wanted} is set` }];
  });
}

/** What is wrong with the content of readable files: no PEM, or a key of another certificate. */
export function pairProblems(certificate: FileSetting, key: FileSetting): ConfigProblem[] {
  const { path: certificatePath } = certificate;
  const { path: keyPath } = key;
  if (certificatePath === undefined || keyPath === undefined) return [];
  return problemOf(certificate, 'must be a certificate in PEM that belongs to the key', () =>
    createSecureContext({ cert: readFileSync(certificatePath), key: readFileSync(keyPath) }),
  );
}

/** A secure context takes anything for an authority. */
export function authorityProblems(authority: FileSetting): ConfigProblem[] {
  const { path } = authority;
  if (path === undefined) return [];
  return problemOf(authority, 'must be certificates in PEM', () => {
    return new X509Certificate(readFileSync(path));
  });
}

function problemOf(
  { variable, path }: FileSetting,
  allowed: string,
  attempt: () => unknown,
): ConfigProblem[] {
  try {
    attempt();
    return [];
  } catch (error) {
    return [{ variable, value: path, message: `${allowed}: ${messageOf(error)}` }];
  }
}

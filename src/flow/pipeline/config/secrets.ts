import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { SecretSource } from './substitute.ts';

const MAX_SECRET_BYTES = 65_536;

/** Of the environment, these alone are for documents that come by the API. */
const SECRET_PREFIX = 'FLOXY_SECRET_';

/** For documents of this machine: all variables, and all files that the service can read. @param folder of relative paths */
export function localSecrets(env: NodeJS.ProcessEnv, folder: string): SecretSource {
  return {
    variable: (name) => env[name],
    readFile: (file) => readSecret(path.resolve(folder, file)),
  };
}

/**
 * For documents that come by the API: who may change pipelines may not read what else the service can. Only variables
 * that are meant for that, and no files.
 */
export function remoteSecrets(env: NodeJS.ProcessEnv): SecretSource {
  return {
    allowed: `by the API only those that begin with ${SECRET_PREFIX} can be used`,
    variable: (name) => (name.startsWith(SECRET_PREFIX) ? env[name] : undefined),
    readFile: () => {
      throw new Error(
        `files are for documents on the machine of the service: use a variable ${SECRET_PREFIX}NAME`,
      );
    },
  };
}

function readSecret(file: string): string {
  const stat = statSync(file);
  if (!stat.isFile()) throw new Error(`${file} is no file`);
  if (stat.size > MAX_SECRET_BYTES) {
    throw new Error(`${file} has ${stat.size} bytes, more than ${MAX_SECRET_BYTES}`);
  }
  return readFileSync(file, 'utf8');
}

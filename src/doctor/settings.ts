import { ConfigError, readConfig, unknownVariables } from '../config/config.ts';
import { readLink, readText } from './host.ts';
import type { SubjectSettings } from './subject.ts';

/**
 * The settings that a running service was started with, which root and its own user can see; else those of this shell.
 *
 * @param pid of control; undefined when it does not run here
 */
export function readSettingsOf(
  pid: number | undefined,
  ownEnv: NodeJS.ProcessEnv,
): SubjectSettings {
  const env = pid === undefined ? undefined : environmentOf(pid);
  if (env === undefined) {
    const why =
      pid === undefined ? '' : ' (those of the service only root and its own user can see)';
    return read(ownEnv, `this shell${why}`, process.cwd());
  }
  return read(env, 'the running service', readLink(`/proc/${pid}/cwd`) ?? process.cwd());
}

function environmentOf(pid: number): NodeJS.ProcessEnv | undefined {
  const text = readText(`/proc/${pid}/environ`);
  if (text === undefined || text === '') return undefined;
  const pairs = Buffer.from(text, 'latin1').toString().split('\0').filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

function read(env: NodeJS.ProcessEnv, from: string, workingDirectory: string): SubjectSettings {
  const unknown = unknownVariables(env);
  try {
    return { config: readConfig(env, { workingDirectory }), problems: [], unknown, from };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: undefined, problems: error.problems, unknown, from };
  }
}

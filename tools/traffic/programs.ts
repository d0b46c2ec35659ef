/**
 * The programs in C beside this: the generator, which makes traffic, the judge, which holds what comes of it
 * against what was sent, and replay, which sends datagrams that it is given; for the tests and for the benchmark, whose
 * limit is built here too.
 */
import path from 'node:path';
import { run } from '../../test/lab/shell.ts';

const FOLDER = import.meta.dirname;

export type ProgramName = 'generator' | 'judge' | 'replay' | 'limit';

/** Builds the programs, when they are not up to date. */
export async function buildPrograms(): Promise<void> {
  await run(['make', '--silent', '--no-print-directory', '-C', FOLDER]);
}

/** Where a program is, once it is built. */
export function programPath(name: ProgramName): string {
  return path.join(FOLDER, 'build', name);
}

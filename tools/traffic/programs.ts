/** The programs in C beside this that make and judge traffic: for the tests and for the benchmark. */
import path from 'node:path';
import { run } from '../../test/lab/shell.ts';

const FOLDER = import.meta.dirname;

export type ProgramName =
  | `bench/${'generator' | 'collector' | 'limit'}`
  | `load/${'generator' | 'collector'}`
  | `ha/${'sender' | 'counter'}`;

/** Builds the programs, when they are not up to date. */
export async function buildPrograms(): Promise<void> {
  await run(['make', '--silent', '--no-print-directory', '-C', FOLDER]);
}

/** Where a program is, once it is built. */
export function programPath(name: ProgramName): string {
  return path.join(FOLDER, 'build', name);
}

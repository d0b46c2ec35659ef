import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import { countAvailableCores } from './cores.ts';
import type { System } from './schema.ts';

/** The system that the process runs on. */
export function hostSystem(): System {
  return {
    workingDirectory: process.cwd(),
    availableCores: () => countAvailableCores(),
    readPasswd,
    fileProblem,
    isDirectory,
  };
}

function isDirectory(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch {
    return false;
  }
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}

function fileProblem(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isFile() ? undefined : `${file} is no file`;
  } catch (error) {
    return messageOf(error);
  }
}

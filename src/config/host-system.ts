import { accessSync, constants, readFileSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../base/errors.ts';
import { countAvailableCores } from './cores.ts';
import type { System } from './system.ts';

/** File systems of the kernel's own, in which nobody makes files (linux/magic.h), by their type. */
const KERNEL_FILE_SYSTEMS = new Map([
  [0x9f_a0, 'proc'],
  [0x62_65_65_72, 'sysfs'],
]);

/** The system that the process runs on. */
export function hostSystem(): System {
  return {
    workingDirectory: process.cwd(),
    availableCores: () => countAvailableCores(),
    readPasswd: () => readText('/etc/passwd'),
    readGroups: () => readText('/etc/group'),
    fileProblem,
    isDirectory,
    folderProblem,
  };
}

function isDirectory(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch {
    return false;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
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

function folderProblem(folder: string): string | undefined {
  let existing = folder;
  while (!exists(existing)) existing = path.dirname(existing);
  if (!isDirectory(existing)) return `${existing} is no folder`;
  const fileSystem = KERNEL_FILE_SYSTEMS.get(statfsSync(existing).type);
  return fileSystem && `${existing} is in the file system ${fileSystem} of the kernel`;
}

function exists(file: string): boolean {
  try {
    statSync(file);
    return true;
  } catch {
    return file === path.dirname(file);
  }
}

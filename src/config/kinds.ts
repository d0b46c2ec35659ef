/** Kinds of values that several settings have. */
import path from 'node:path';
import { type Kind, Refusal } from './setting.ts';

/** A value whose parser answers undefined for what is not allowed. */
export function parsed<T>(
  allowed: string,
  read: (text: string) => T | undefined,
  print: (value: T) => string = String,
): Kind<T> {
  return { allowed, read, print };
}

/** Decimal digits only: no sign, blanks, hexadecimal or exponent. */
export function integer(min: number, max: number): Kind<number> {
  return parsed(`a whole number from ${min} to ${max}`, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  });
}

/** Seconds, whose value is in milliseconds. */
export function secondsInMs(min: number, max: number): Kind<number> {
  const seconds = integer(min, max);
  return {
    allowed: seconds.allowed,
    read: (text, system) => {
      const value = seconds.read(text, system);
      return typeof value === 'number' ? value * 1000 : value;
    },
    print: (value) => String(value / 1000),
  };
}

export function choice<const T extends readonly [string, ...string[]]>(values: T): Kind<T[number]> {
  return parsed(`one of ${values.join(', ')}`, (text) => values.find((value) => value === text));
}

/** A file that can be read, as its absolute path. */
export const READABLE_FILE: Kind<string> = {
  allowed: 'a file that the service can read',
  read: (text, system) => {
    const file = path.resolve(system.workingDirectory, text);
    const problem = system.fileProblem(file);
    return problem === undefined
      ? file
      : new Refusal(`must be ${READABLE_FILE.allowed}: ${problem}`);
  },
  print: String,
};

/** A file that need not be there yet, as its absolute path. */
export const FILE_PATH: Kind<string> = {
  allowed: 'the path of a file',
  read: (text, system) => {
    const file = path.resolve(system.workingDirectory, text);
    const isDirectory = text.endsWith('/') || system.isDirectory(file);
    return isDirectory
      ? new Refusal(`must be ${FILE_PATH.allowed}, but this is a directory`)
      : file;
  },
  print: String,
};

/** A file that is there or can be made, as its absolute path. */
export const WRITABLE_FILE: Kind<string> = {
  allowed: 'the path of a file',
  read: (text, system) => {
    const file = path.resolve(system.workingDirectory, text);
    if (text.endsWith('/') || system.isDirectory(file)) {
      return new Refusal(`must be ${WRITABLE_FILE.allowed}, but this is a directory`);
    }
    return refuseFolder(system.folderProblem(path.dirname(file))) ?? file;
  },
  print: String,
};

/** A folder that is there or can be made, as its absolute path. */
export const FOLDER: Kind<string> = {
  allowed: 'a folder, or where one can be made',
  read: (text, system) => {
    const folder = path.resolve(system.workingDirectory, text);
    return refuseFolder(system.folderProblem(folder)) ?? folder;
  },
  print: String,
};

function refuseFolder(problem: string | undefined): Refusal | undefined {
  return problem === undefined
    ? undefined
    : new Refusal(`must be where files can be made: ${problem}`);
}

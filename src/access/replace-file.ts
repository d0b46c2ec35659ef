import {
  closeSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { FloxyError, messageOf } from '../base/errors.ts';

/**
 * Writes a file that only its owner can read, wholly or not at all, while nobody else does it. It keeps its owner; a
 * new one gets that of its folder: the service may be another user than who writes.
 *
 * @param makeText reads what the file has now, and says what it shall have
 * @throws FloxyError INVALID_INPUT when it cannot be written, or whatever makeText throws
 */
export function replaceFile(file: string, makeText: () => string): void {
  // Its name keeps out who wants to write as well.
  const fresh = `${file}.new`;
  const fd = openFresh(fresh);
  try {
    writeFileSync(fd, makeText());
    giveTo(fd, ownerOf(file));
    fsyncSync(fd);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error instanceof FloxyError ? error : cannotWrite(file, error);
  } finally {
    closeSync(fd);
  }
  syncFolder(path.dirname(file));
}

function openFresh(fresh: string): number {
  try {
    return openSync(fresh, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(fresh, error);
    const message = `${fresh} is there: somebody else is writing, or was interrupted. If nobody is, remove it.`;
    throw new FloxyError('INVALID_INPUT', message, { cause: error });
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

function ownerOf(file: string): Owner {
  try {
    return statSync(file);
  } catch {
    return statSync(path.dirname(file));
  }
}

/** Root alone can give files away. */
function giveTo(fd: number, { uid, gid }: Owner): void {
  if (process.geteuid?.() === 0) fchownSync(fd, uid, gid);
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function cannotWrite(file: string, error: unknown): FloxyError {
  const message = `${file} cannot be written: ${messageOf(error)}`;
  return new FloxyError('INVALID_INPUT', message, { cause: error });
}

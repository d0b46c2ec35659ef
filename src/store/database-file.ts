import { randomUUID } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../base/folder.ts';

const DIRECTORY_MODE = 0o750;
const FILE_MODE = 0o640;
const MODE_OF_OTHERS = 0o007;
const DRAFT_MARK = '.new-';
const COPY_MARK = '.copy-';
/** Only its owner may read what is copied for somebody. */
const COPY_MODE = 0o600;
/** Tells copies of this process from those that an earlier one has left. */
const PROCESS_TOKEN = randomUUID();

/** What SQLite keeps beside a database; without them its last changes are lost. */
export const SIDECAR_SUFFIXES: readonly string[] = ['-wal', '-journal', '-shm'];

/** The file itself when the path is a symbolic link: SQLite keeps its side files there. */
export function followLinks(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/**
 * Makes the directory of a database if it is missing, and closes our file to others.
 *
 * @throws errors of the file system, also when the directory or the file is not writable
 */
export function claimPath(path: string): void {
  const directory = dirname(path);
  makeFolder(directory, DIRECTORY_MODE);
  accessSync(directory, constants.W_OK | constants.X_OK);
  if (!existsSync(path)) return;
  accessSync(path, constants.R_OK | constants.W_OK);
  const { mode, uid } = statSync(path);
  // Only the owner may; permissions of a file that somebody else provides are theirs to choose.
  if ((mode & MODE_OF_OTHERS) !== 0 && uid === process.geteuid?.())
    chmodSync(path, mode & 0o777 & ~MODE_OF_OTHERS);
}

/** Whether a database is certain to be missing: its directory can be looked into and does not have it. */
export function isMissing(path: string): boolean {
  try {
    accessSync(dirname(path), constants.X_OK);
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** Writes a file that becomes a database by moveIntoPlace(). @returns its path, in the same directory */
export function writeDraft(path: string, image: Buffer): string {
  const draft = `${path}${DRAFT_MARK}${randomUUID()}`;
  try {
    writeFileSync(draft, image, { flag: 'wx', mode: FILE_MODE });
    sync(draft);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return draft;
}

/** Gives a draft its name, unless another process has made a database there in the meantime. */
export function moveIntoPlace(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch {
    // Not every file system has hard links. A rename would overwrite, so look first.
    if (!existsSync(path)) renameSync(draft, path);
  }
  rmSync(draft, { force: true });
  sync(dirname(path));
}

/** Makes an empty file beside a database, for a copy of it or one that is to be read. @returns its path */
export function makeCopyFile(path: string): string {
  const copy = `${path}${COPY_MARK}${PROCESS_TOKEN}-${randomUUID()}`;
  writeFileSync(copy, '', { flag: 'wx', mode: COPY_MODE });
  return copy;
}

/** Removes a file of makeCopyFile(), and what SQLite has put beside it. */
export function removeCopy(copy: string): void {
  for (const suffix of ['', ...SIDECAR_SUFFIXES]) rmSync(copy + suffix, { force: true });
}

/** Removes what a power failure has left of making a database here, and what other processes have left of copies. */
export function removeDrafts(path: string): void {
  const name = basename(path);
  for (const found of readdirSync(dirname(path))) {
    const isDraft = found.startsWith(name + DRAFT_MARK);
    const isCopy = found.startsWith(name + COPY_MARK) && !found.includes(PROCESS_TOKEN);
    if (isDraft || isCopy) rmSync(join(dirname(path), found), { force: true });
  }
}

/** Makes the contents of a file, or the names in a directory, last over a power failure. */
function sync(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

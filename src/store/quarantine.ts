import {
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { moveIntoPlace, SIDECAR_SUFFIXES, writeDraft } from './database-file.ts';
import { type Beginning, newDatabaseImage, type SavedRules } from './rules-database.ts';
import { isLogDamaged } from './wal-damage.ts';

/**
 * Gives the write-ahead log a second name before SQLite opens a database: closing one that turned out to be
 * damaged deletes the log, and with it changes that may be nowhere else. Without hard links there is none.
 *
 * @returns the second name; the caller removes it
 */
export function guardLog(path: string): string {
  const guard = `${path}.log-guard`;
  rmSync(guard, { force: true });
  try {
    if (hasContent(`${path}-wal`)) linkSync(`${path}-wal`, guard);
  } catch {
    rmSync(guard, { force: true });
  }
  return guard;
}

/**
 * Copies a write-ahead log of which changes cannot be read: SQLite takes it to be shorter, and writes over the rest.
 *
 * @returns the copy; undefined when nothing is lost
 */
export function copyDamagedLog(path: string): string | undefined {
  if (!isLogDamaged(`${path}-wal`)) return undefined;
  const copy = `${path}.damaged-log-${timestamp()}`;
  copyFileSync(`${path}-wal`, copy);
  return copy;
}

/**
 * Moves an unreadable database aside with its side files, and puts a new one in its place that remembers
 * why. Nothing is moved when the new one cannot be written.
 *
 * @param reason why it is unreadable
 * @param guard from guardLog()
 * @param saved its rules when they are whole all the same; the new one begins with them
 * @returns what is to be known: the restore error that the new database holds, or what was lost with the old one
 * @throws errors of the file system
 */
export function replaceUnreadable(
  path: string,
  reason: string,
  { guard, saved }: { readonly guard: string; readonly saved: SavedRules | undefined },
): string {
  const aside = asidePath(path);
  const told =
    saved === undefined
      ? `the saved rules could not be restored: the database ${path} is unreadable: ${reason}; it is kept as ${aside}, and a new one was made; replace the rules`
      : `the database ${path} was damaged: ${reason}; its rules are whole and in a new one, their history is lost; the damaged one is kept as ${aside}; is its disk all right?`;
  const beginning = saved === undefined ? { restoreError: told } : { saved };
  install(path, beginning, () => {
    moveAside(path, aside);
    if (existsSync(guard) && !existsSync(`${aside}-wal`)) renameSync(guard, `${aside}-wal`);
  });
  return told;
}

/**
 * Makes a database where there is none. When there was one before (its write-ahead log is still there, or an
 * unreadable one is kept beside), the new one remembers that rules may be missing: this is what a crash in
 * the middle of replaceUnreadable() leaves, too.
 *
 * @returns the restore error that the new database holds, if any
 * @throws errors of the file system
 */
export function createDatabase(path: string): string | undefined {
  const orphans = SIDECAR_SUFFIXES.map((suffix) => path + suffix).filter(hasContent);
  const aside = asidePath(path);
  const remains = [...keptBeside(path), ...(orphans.length > 0 ? [`${aside}*`] : [])];
  const restoreError =
    remains.length > 0
      ? `the saved rules could not be restored: the database ${path} is gone; what is left of it is kept as ${remains.join(', ')}, and a new one was made; replace the rules`
      : undefined;
  install(path, { restoreError }, () => {
    if (orphans.length > 0) moveAside(path, aside);
  });
  return restoreError;
}

function install(path: string, beginning: Beginning, makeWay: () => void): void {
  const draft = writeDraft(path, newDatabaseImage(beginning));
  try {
    makeWay();
    moveIntoPlace(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** The database goes first: after a crash in between, createDatabase() finds what is left. */
function moveAside(path: string, aside: string): void {
  for (const suffix of ['', ...SIDECAR_SUFFIXES]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
}

/** `<path>.unreadable-20261120T101112Z`, with a number when that name is taken. */
function asidePath(path: string): string {
  const first = `${path}.unreadable-${timestamp()}`;
  let aside = first;
  for (let number = 2; isTaken(aside); number++) aside = `${first}-${number}`;
  return aside;
}

/** `20261120T101112Z` */
function timestamp(): string {
  return new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

function isTaken(aside: string): boolean {
  return ['', ...SIDECAR_SUFFIXES].some((suffix) => existsSync(aside + suffix));
}

function keptBeside(path: string): string[] {
  const prefix = `${basename(path)}.unreadable-`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && !SIDECAR_SUFFIXES.some((s) => name.endsWith(s)))
    .map((name) => `${dirname(path)}/${name}`);
}

function hasContent(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

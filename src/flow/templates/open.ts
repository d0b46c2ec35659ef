import { existsSync, renameSync, statSync } from 'node:fs';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { KeptDatabase } from './database.ts';

/** What SQLite keeps beside a database. */
const SIDE_FILES = ['-wal', '-shm'];

/**
 * Opens the database of what is kept of exporters, and makes it when there is none. One that is damaged is set aside,
 * and a new one begun: exporters send their templates again.
 *
 * @throws Error that says why it can be neither opened nor made
 */
export function openKept(path: string, log: Logger): KeptDatabase {
  const identity = identityOf(path);
  try {
    return new KeptDatabase(path);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const aside = setAside(path, identity);
    const fields = { path, error: messageOf(error) };
    if (aside !== undefined) {
      log.warn(
        { ...fields, keptAs: aside },
        'the database of templates is damaged and was set aside: data whose template came earlier is decoded when exporters send it again',
      );
    }
    return new KeptDatabase(path);
  }
}

/** Whether an error of SQLite says that the file is damaged, or no database. */
export function isDamage(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^SQLITE_(CORRUPT|NOTADB)/.test(code);
}

/**
 * Moves a damaged database aside, unless another process has done so in the meantime.
 *
 * @returns its new path
 */
function setAside(path: string, identity: string | undefined): string | undefined {
  if (identityOf(path) !== identity) return undefined;
  const aside = freePath(
    `${path}.unreadable-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}`,
  );
  renameSync(path, aside);
  for (const suffix of SIDE_FILES)
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  return aside;
}

function freePath(path: string): string {
  if (!existsSync(path)) return path;
  for (let number = 2; ; number++) if (!existsSync(`${path}-${number}`)) return `${path}-${number}`;
}

/** Which file is at a path; undefined when there is none. */
export function identityOf(path: string): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  return file && `${file.dev}:${file.ino}`;
}

import { chmodSync, chownSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import { makeFolder } from '../base/folder.ts';
import type { ForwarderUser } from '../config/config.ts';

export interface PipelineFolders {
  /** Control's own. */
  readonly control: string;
  /** The workers': whom they run as can write there. */
  readonly workers: string;
}

const SEARCHABLE_BY_OTHERS = 0o001;

/**
 * Makes the folders of pipelines; that of workers becomes theirs. When they cannot be made it is logged: flow is decoded
 * without them.
 *
 * @param user whom workers become; undefined = they stay who we are
 */
export function makePipelineFolders(
  folders: PipelineFolders,
  user: ForwarderUser | undefined,
  log: Logger,
): void {
  try {
    make(folders, user, log);
  } catch (error) {
    log.error(
      { folder: folders.control, error: messageOf(error) },
      'pipelines cannot keep what outlives their workers: make the folder, or set COLLECTOR_PIPELINES_DIRECTORY',
    );
  }
}

export function pipelineFolders(directory: string): PipelineFolders {
  return { control: directory, workers: path.join(directory, 'workers') };
}

function make(
  { control: directory, workers }: PipelineFolders,
  user: ForwarderUser | undefined,
  log: Logger,
): void {
  makeFolder(workers, 0o750);
  if (user !== undefined) {
    chownSync(workers, user.uid, user.gid);
    // They come to their own folder through these; what is in them is no more readable than before.
    for (const folder of [directory, path.dirname(directory)]) makeSearchable(folder);
    const closed = firstClosed(directory, user);
    if (closed !== undefined) {
      log.warn(
        { folder: closed, user: user.name },
        'pipelines cannot keep templates and spools: their user cannot go through this folder; chmod o+x, or set COLLECTOR_PIPELINES_DIRECTORY',
      );
    }
  }
}

function makeSearchable(folder: string): void {
  const { mode, uid } = statSync(folder);
  if (uid !== process.geteuid?.() || (mode & SEARCHABLE_BY_OTHERS) !== 0) return;
  chmodSync(folder, (mode & 0o7777) | SEARCHABLE_BY_OTHERS);
}

/** The first folder on the way that the user cannot go through. */
function firstClosed(folder: string, { uid, gid }: ForwarderUser): string | undefined {
  const parent = path.dirname(folder);
  const above = parent === folder ? undefined : firstClosed(parent, { name: '', uid, gid });
  if (above !== undefined) return above;
  const stat = statSync(folder);
  const shift = stat.uid === uid ? 6 : stat.gid === gid ? 3 : 0;
  return ((stat.mode >> shift) & SEARCHABLE_BY_OTHERS) === 0 ? folder : undefined;
}

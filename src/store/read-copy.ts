import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { HistoryLimits } from '../model/history.ts';
import { RulesDatabase, type SavedRules } from './rules-database.ts';

/** Where a copy may go, in this order: the second helps when the first is on the same read-only disk. */
const SCRATCH_DIRECTORIES: readonly string[] = [tmpdir(), '/dev/shm'];

/** What is needed to read a database; SQLite rebuilds the rest. */
const COPIED_SUFFIXES: readonly string[] = ['', '-wal', '-journal'];

/**
 * Reads a database that cannot be written, or is damaged somewhere else than in its rules. SQLite needs to write beside a database to read its write-ahead
 * log, so it gets a private copy, which is removed again.
 *
 * @throws what toStoreFailure understands
 */
export function readCopy(path: string, historyLimits: HistoryLimits): SavedRules {
  const scratch = copyToScratch(path);
  try {
    const database = new RulesDatabase(join(scratch, basename(path)), {
      busyTimeoutMs: 0,
      isRescue: true,
      historyLimits,
    });
    try {
      return database.read();
    } finally {
      database.close();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function copyToScratch(path: string): string {
  let failure: unknown;
  for (const directory of SCRATCH_DIRECTORIES) {
    try {
      return copyInto(directory, path);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

function copyInto(directory: string, path: string): string {
  const scratch = mkdtempSync(join(directory, 'floxy-restore-'));
  try {
    for (const suffix of COPIED_SUFFIXES) {
      const copy = join(scratch, basename(path) + suffix);
      if (suffix !== '' && !existsSync(path + suffix)) continue;
      copyFileSync(path + suffix, copy);
      chmodSync(copy, 0o600);
    }
    return scratch;
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    throw error;
  }
}

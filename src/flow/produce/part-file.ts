/** Files that get their names when they are complete. */
import { constants } from 'node:fs';
import { access, type FileHandle, link, open, readdir, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../base/errors.ts';
import { makeFolder } from '../../base/folder.ts';

const FOLDER_MODE = 0o755;
const NEWLINE = 10;
/** How far back the last newline of a file that was left is looked for, at a time. */
const TAIL_OCTETS = 65_536;
/** By so many it is seen whether a file is text. */
const FIRST_OCTETS = 32;

/** Those that this process writes: what else has its process id is of an earlier one. */
const beingWritten = new Set<string>();

export class PartFile {
  readonly #file: string;
  readonly #part: string;
  readonly #handle: FileHandle;
  #size = 0;

  private constructor(file: string, part: string, handle: FileHandle) {
    this.#file = file;
    this.#part = part;
    this.#handle = handle;
  }

  /** @param nameFor gives the path for a time @throws Error that names the file */
  static async create(nameFor: (time: string) => string): Promise<PartFile> {
    for (let now = Date.now(); ; now++) {
      const file = nameFor(new Date(now).toISOString().replaceAll(/[-:]/g, ''));
      const part = partOf(file, process.pid);
      makeFolder(path.dirname(file), FOLDER_MODE);
      if (beingWritten.has(part) || (await exists(file))) continue;
      beingWritten.add(part);
      try {
        return new PartFile(file, part, await open(part, 'wx'));
      } catch (error) {
        beingWritten.delete(part);
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Writes all of it or nothing. @throws Error when the disk is full, or fails */
  async append(bytes: Buffer, sync: boolean): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(
          bytes,
          at,
          bytes.length - at,
          this.#size + at,
        );
        at += bytesWritten;
      }
      if (sync) await this.#handle.datasync();
      this.#size += bytes.length;
    } catch (error) {
      await this.#handle.truncate(this.#size).catch(() => undefined);
      const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
      throw new Error(`${this.#part}: ${full ? 'the disk is full (ENOSPC)' : messageOf(error)}`);
    }
  }

  /** Gives it its name; an empty one is removed. */
  async complete(sync: boolean): Promise<void> {
    try {
      if (sync && this.#size > 0) await this.#handle.sync();
    } finally {
      await this.#handle.close();
      beingWritten.delete(this.#part);
    }
    if (this.#size === 0) await unlink(this.#part);
    else await giveName(this.#part, this.#file, sync);
  }
}

/**
 * Gives their names to files that processes left which have gone. Of lines, the last one is cut off when it is not whole.
 *
 * @param pattern path whose last part has `{time}`
 * @returns the files
 */
export async function completeAbandoned(
  pattern: string,
  {
    compression,
    framing,
    fsync,
  }: { compression: string; framing?: string | undefined; fsync: string },
): Promise<string[]> {
  const folder = path.dirname(pattern);
  const [before = '', after = ''] = path.basename(pattern).split('{time}');
  const found = await readdir(folder).catch(() => [] as string[]);
  const completed: string[] = [];
  for (const entry of found) {
    const match = /^\.(.*)\.(\d+)\.part$/.exec(entry);
    const [, name = '', pid = ''] = match ?? [];
    const part = path.join(folder, entry);
    const mine = name.startsWith(before) && name.endsWith(after) && !beingWritten.has(part);
    if (match === null || !mine || isAlive(Number(pid))) continue;
    const isLines = framing === 'lines' || (framing === undefined && (await looksLikeText(part)));
    if (compression === 'none' && isLines) await cutLastLine(part);
    const file = path.join(folder, name);
    await giveName(part, file, fsync !== 'never');
    completed.push(file);
  }
  return completed;
}

function partOf(file: string, pid: number): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.${pid}.part`);
}

/** Another process may have given the same name at the same millisecond: then there is a number behind it. */
async function giveName(part: string, file: string, sync: boolean): Promise<void> {
  for (let n = 0; !(await linkTo(part, n === 0 ? file : `${file}.${n}`)); n++);
  if (!sync) return;
  await using folder = await open(path.dirname(file), constants.O_RDONLY);
  await folder.sync();
}

/** Whether a file begins as text does: protobuf has octets that text has not among its first. */
async function looksLikeText(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_OCTETS), 0, FIRST_OCTETS, 0);
  return buffer.subarray(0, bytesRead).every((octet) => octet >= 0x20 || octet === NEWLINE);
}

/** @returns whether it has the name, which nobody had before */
async function linkTo(part: string, file: string): Promise<boolean> {
  try {
    await link(part, file);
    await unlink(part);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP') throw error;
    // A file system without hard links.
    if (await exists(file)) return false;
    await rename(part, file);
  }
  return true;
}

async function cutLastLine(part: string): Promise<void> {
  await using handle = await open(part, 'r+');
  let { size } = await handle.stat();
  const tail = Buffer.alloc(TAIL_OCTETS);
  while (size > 0) {
    const begin = Math.max(0, size - TAIL_OCTETS);
    const { bytesRead } = await handle.read(tail, 0, size - begin, begin);
    const newline = tail.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    size = begin + newline + 1;
    if (newline >= 0) break;
  }
  await handle.truncate(size);
}

/** Whether another process has this id. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

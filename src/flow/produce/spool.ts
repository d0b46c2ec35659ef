import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { makeFolder } from '../../base/folder.ts';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { SpoolOptions } from './options.ts';
import { type Spooled, SpoolFile } from './spool-file.ts';

const FOLDER_MODE = 0o700;
const NAME = /^(\d{12})\.spool$/;
/** Numbers of files grow from here; what has to come before all others gets a smaller one. */
const FIRST_NUMBER = 500_000_000_000;

/**
 * Batches that wait on disk for their peer, in order: files of a folder, bounded. It survives the end of the process, also
 * by kill -9, and with `fsync` that of the machine. A disk that fails is told in `problem`, and nothing else happens.
 */
export class Spool {
  readonly #folder: string;
  readonly #options: SpoolOptions;
  readonly #log: Logger;
  /** In order. */
  readonly #files: SpoolFile[] = [];
  /** Numbers of the outermost files that there have been. */
  #first = FIRST_NUMBER;
  #last = FIRST_NUMBER;
  readonly #pending = new Set<Promise<unknown>>();
  #lock: Server | undefined;
  #problem: string | undefined;
  /** Octets that wait. */
  waiting = 0;

  constructor(folder: string, options: SpoolOptions, log: Logger) {
    this.#folder = folder;
    this.#options = options;
    this.#log = log;
  }

  /** What is wrong with the disk, where, while it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get empty(): boolean {
    return this.waiting === 0;
  }

  get #octets(): number {
    return this.#files.reduce((sum, { size }) => sum + size, 0);
  }

  /** Opens the folder; not until then is anything read or written. @returns how many records are in it */
  async open(): Promise<number> {
    try {
      makeFolder(this.#folder, FOLDER_MODE);
      this.#lock = await lockFolder(this.#folder);
      for (const name of (await readdir(this.#folder)).sort()) await this.#recover(name);
      this.#problem = undefined;
    } catch (error) {
      this.#fail(error);
    }
    return this.#files.reduce((sum, { records }) => sum + records, 0);
  }

  /** @returns whether it was written: not when the spool is full, or the disk fails */
  async append(batch: EncodedBatch): Promise<boolean> {
    if (this.#lock === undefined || this.#octets >= this.#options.max_bytes) return false;
    try {
      const last = this.#files.at(-1);
      const fits = last !== undefined && last.size < this.#options.file_bytes;
      const file = fits ? last : await SpoolFile.create(this.#path(++this.#last));
      if (!fits) this.#files.push(file);
      this.waiting += await file.append(batch, this.#options.fsync);
      this.#problem = undefined;
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** Writes a batch before all others. @returns whether it was written */
  async prepend(batch: EncodedBatch): Promise<boolean> {
    if (this.#lock === undefined) return false;
    try {
      const file = await SpoolFile.create(this.#path(--this.#first));
      this.#files.unshift(file);
      this.waiting += await file.append(batch, this.#options.fsync);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** The first batch; it stays until it is removed. */
  async read(): Promise<Spooled | undefined> {
    // One that could not be written to stays empty.
    while (this.#files.length > 1 && this.#files[0]?.empty) {
      for (const file of this.#files.splice(0, 1)) this.#later(file.delete());
    }
    const [first] = this.#files;
    if (first === undefined) return undefined;
    try {
      const spooled = await first.read();
      if (spooled?.batch === undefined && spooled !== undefined) {
        this.#log.error(
          `spool ${first.path}: ${spooled.records} records cannot be read: their checksum is wrong`,
        );
      }
      return spooled;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** The first batch is done with. */
  remove(): void {
    const [first] = this.#files;
    if (first === undefined) return;
    const { octets, marked } = first.remove();
    this.waiting -= octets;
    if (first.empty) this.#files.shift();
    this.#later(first.empty ? marked.then(() => first.delete()) : marked);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#pending);
    for (const file of this.#files.splice(0)) await file.close().catch(() => undefined);
    const lock = this.#lock;
    this.#lock = undefined;
    if (lock !== undefined) await new Promise((resolve) => lock.close(resolve));
  }

  async #recover(name: string): Promise<void> {
    const number = Number(NAME.exec(name)?.[1]);
    if (Number.isNaN(number)) return;
    const { file, cut } = await SpoolFile.recover(path.join(this.#folder, name));
    if (cut > 0)
      this.#log.warn(
        `spool ${file.path}: ${cut} octets of a batch that was not written to its end were cut off`,
      );
    this.#first = Math.min(this.#first, number);
    this.#last = Math.max(this.#last, number);
    if (file.empty) return file.delete();
    this.#files.push(file);
    this.waiting += file.waiting;
  }

  /** Work that nobody waits for until the end. */
  #later(work: Promise<unknown>): void {
    this.#pending.add(work);
    work.catch((error: unknown) => this.#fail(error)).finally(() => this.#pending.delete(work));
  }

  #path(number: number): string {
    return path.join(this.#folder, `${String(number).padStart(12, '0')}.spool`);
  }

  #fail(error: unknown): void {
    const problem = `spool ${this.#folder}: ${messageOf(error)}`;
    if (problem !== this.#problem) this.#log.error(problem);
    this.#problem = problem;
  }
}

/** An abstract socket: it goes away with the process, however that ends. @throws Error when another process has it */
async function lockFolder(folder: string): Promise<Server> {
  const { dev, ino } = await stat(folder);
  const server = createServer().unref();
  try {
    server.listen(`\0floxy-spool-${dev}-${ino}`);
    await once(server, 'listening');
    return server;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'EADDRINUSE'
      ? new Error('another process uses it: give each producer a folder of its own')
      : error;
  }
}

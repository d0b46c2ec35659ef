import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../../base/errors.ts';

const POLL_MS = 5000;

export interface WatchedFileOptions<T> {
  readonly path: string;
  readonly maxBytes: number;
  /** @throws Error when it has something else in it */
  read(bytes: Buffer): T | Promise<T>;
  /** Takes what was read, at the start and after each change. */
  onRead(value: T, isFirst: boolean): void;
  /** A changed file could not be read. What it held before goes on. */
  onFailure(): void;
  readonly log: Logger;
  /** Replaced in tests. */
  readonly pollMs?: number;
}

/**
 * A file that is read at the start and again whenever it was changed or replaced. It is looked at every five seconds:
 * that works on every file system, and for links that are pointed elsewhere.
 */
export class WatchedFile<T> {
  readonly #options: WatchedFileOptions<T>;
  #seen = '';
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isStopped = false;

  constructor(options: WatchedFileOptions<T>) {
    this.#options = options;
  }

  /** @throws FloxyError INVALID_INPUT when it cannot be read */
  async start(): Promise<void> {
    const { pollMs = POLL_MS } = this.#options;
    try {
      await this.#look(true);
    } catch (error) {
      if (error instanceof FloxyError) throw error;
      const message = `${this.#options.path} cannot be read: ${messageOf(error)}`;
      throw new FloxyError('INVALID_INPUT', message, { cause: error });
    }
    if (this.#isStopped) return;
    this.#timer = setInterval(() => void this.#lookAgain(), pollMs).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async #lookAgain(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { path, log, onFailure } = this.#options;
    try {
      await this.#look(false);
    } catch (error) {
      onFailure();
      log.warn({ file: path, error: messageOf(error) }, 'a changed file is not taken over');
    } finally {
      this.#isLooking = false;
    }
  }

  async #look(isFirst: boolean): Promise<void> {
    const { path, maxBytes, read, onRead, log } = this.#options;
    const { ino, size, mtimeMs, dev } = await stat(path);
    const seen = `${dev} ${ino} ${size} ${mtimeMs}`;
    if (seen === this.#seen) return;
    // Whatever comes of it: it is told once, and tried again when the file has changed again.
    this.#seen = seen;
    if (size > maxBytes) throw new Error(`it has ${size} bytes, more than ${maxBytes}`);
    const value = await read(await readFile(path));
    if (this.#isStopped) return;
    onRead(value, isFirst);
    if (!isFirst) log.info({ file: path }, 'a changed file was taken over');
  }
}

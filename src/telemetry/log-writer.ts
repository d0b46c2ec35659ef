import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../base/errors.ts';

/** Lines that wait for a reader or for room on a disk, in bytes: about the last 5,000. */
const MAX_WAITING_BYTES = 1024 * 1024;

const RETRY_INTERVAL_MS = 250;
const FLUSH_INTERVAL_MS = 10;

/** Called when lines can be written again. @param lines how many were dropped meanwhile */
type DropListener = (lines: number, why: string) => void;

/**
 * Writes log lines to a descriptor as they come, and never waits for it: a log that cannot be written (nobody reads
 * the pipe, the disk is full) keeps some lines, drops what comes then, and counts it. A destination for pino.
 */
export class LogWriter {
  readonly #fd: number;
  readonly #isOwn: boolean;
  readonly #onDropped: DropListener;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #droppedEver = 0;
  #why = '';
  #timer: NodeJS.Timeout | undefined;

  /** @param fd stays open @param onDropped may write lines itself */
  constructor(fd: 1 | 2, onDropped: DropListener) {
    this.#fd = withoutWaiting(fd);
    this.#isOwn = this.#fd !== fd;
    this.#onDropped = onDropped;
  }

  /** Lines that were dropped since the start. */
  get dropped(): number {
    return this.#droppedEver;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#dropped++;
      this.#droppedEver++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    // While it fails, the timer tries: not every line has to.
    if (this.#timer === undefined) this.#tryToWrite();
  }

  /** Waits until all is written, at most so long. Nothing may be written afterwards. */
  async close(limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    this.#tryToWrite();
    while (this.#waiting.length > 0 && performance.now() < deadline) {
      await delay(FLUSH_INTERVAL_MS);
      this.#tryToWrite();
    }
    clearInterval(this.#timer);
    if (this.#isOwn) closeSync(this.#fd);
  }

  #tryToWrite(): void {
    try {
      this.#writeAll();
    } catch (error) {
      this.#why = messageOf(error);
      this.#timer ??= setInterval(() => this.#tryToWrite(), RETRY_INTERVAL_MS).unref();
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
    const dropped = this.#dropped;
    if (dropped === 0) return;
    this.#dropped = 0;
    this.#onDropped(dropped, this.#why);
  }

  #writeAll(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const written = writeSync(this.#fd, next);
      this.#waitingBytes -= written;
      if (written < next.length) this.#waiting[0] = next.subarray(written);
      else this.#waiting.shift();
    }
  }
}

/**
 * A descriptor for the same file that fails with EAGAIN instead of waiting. Files on disks do not wait for readers.
 */
function withoutWaiting(fd: 1 | 2): number {
  const kind = fstatSync(fd);
  if (kind.isFIFO() || kind.isSocket()) {
    // Node.js opens these as streams, and libuv makes such a descriptor non-blocking. What else is written to the
    // stream, such as warnings, fails without ending the process.
    const stream = fd === 1 ? process.stdout : process.stderr;
    stream.on('error', () => undefined);
  }
  if (!kind.isCharacterDevice()) return fd;
  try {
    // Not by the descriptor itself, which a shell or another program may share.
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return openSync(`/proc/self/fd/${fd}`, flags);
  } catch {
    return fd; // the terminal of another user
  }
}

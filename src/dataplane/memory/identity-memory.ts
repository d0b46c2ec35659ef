import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { Turn } from '../../base/turn.ts';
import { createMemory } from '../../native/memory.ts';

/** The file begins with where the log is: its first byte and the one behind it, 64 bits each. */
const HEADER_BYTES = 16;
const CHUNK_CHARS = 65_536;

/**
 * A log of identities (table/identities.ts) in a memory file that outlives control. Whoever reads it finds
 * a whole number of changes, wherever control has ended.
 */
export class IdentityMemory {
  readonly #fd = createMemory('floxy-identities', 0);
  /** The same file, opened for reading: what forwarders carry. */
  readonly readOnlyFd = openSync(`/proc/self/fd/${this.#fd}`, 'r');
  #start = HEADER_BYTES;
  #end = HEADER_BYTES;

  constructor() {
    this.#setRange(HEADER_BYTES, HEADER_BYTES);
  }

  get bytes(): number {
    return this.#end - this.#start;
  }

  append(lines: string): void {
    const end = this.#write(lines, this.#end);
    this.#setRange(this.#start, end);
  }

  /** Begins a new log. Lets the process do other things in between. */
  async replace(lines: Iterable<string>): Promise<void> {
    const turn = new Turn();
    const chunks: Buffer[] = [];
    let bytes = 0;
    for (const text of inChunks(lines)) {
      const chunk = Buffer.from(text);
      chunks.push(chunk);
      bytes += chunk.length;
      if (turn.isOver) await turn.next();
    }
    // The old log stays as it is until the new one is there.
    const start = HEADER_BYTES + bytes <= this.#start ? HEADER_BYTES : this.#end;
    let end = start;
    for (const chunk of chunks) end = this.#write(chunk, end);
    this.#setRange(start, end);
    ftruncateSync(this.#fd, end);
  }

  close(): void {
    closeSync(this.#fd);
    closeSync(this.readOnlyFd);
  }

  #write(data: string | Buffer, position: number): number {
    const buffer = Buffer.from(data as string);
    let done = 0;
    while (done < buffer.length) {
      done += writeSync(this.#fd, buffer, done, buffer.length - done, position + done);
    }
    return position + done;
  }

  #setRange(start: number, end: number): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeBigUInt64LE(BigInt(start), 0);
    header.writeBigUInt64LE(BigInt(end), 8);
    writeSync(this.#fd, header, 0, HEADER_BYTES, 0);
    this.#start = start;
    this.#end = end;
  }
}

/**
 * Reads the log from such a file, which another process has written.
 *
 * @param maxBytes of a log that is worth reading
 * @throws RangeError when there is none, or a longer one
 */
export function readIdentityMemory(fd: number, maxBytes: number): string {
  const header = Buffer.alloc(HEADER_BYTES);
  readFully(fd, header, 0);
  const start = Number(header.readBigUInt64LE(0));
  const bytes = Number(header.readBigUInt64LE(8)) - start;
  if (start < HEADER_BYTES || start > fstatSync(fd).size || bytes < 0 || bytes > maxBytes) {
    throw new RangeError(`no log of identities: ${bytes} bytes from byte ${start} on`);
  }
  const log = Buffer.alloc(bytes);
  readFully(fd, log, start);
  return log.toString();
}

function readFully(fd: number, buffer: Buffer, position: number): void {
  let done = 0;
  while (done < buffer.length) {
    const got = readSync(fd, buffer, done, buffer.length - done, position + done);
    if (got === 0) throw new RangeError('identities end too early');
    done += got;
  }
}

function* inChunks(lines: Iterable<string>): Iterable<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += line;
    if (chunk.length < CHUNK_CHARS) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

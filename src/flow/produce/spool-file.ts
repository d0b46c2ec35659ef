import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import {
  DONE,
  DONE_OFFSET,
  type FrameHeader,
  frameOf,
  HEADER_OCTETS,
  readBatch,
  readHeader,
} from './spool-frame.ts';

interface Entry {
  readonly position: number;
  readonly header: FrameHeader;
}

/** A batch that was read. */
export interface Spooled {
  /** Undefined when the disk has changed it. */
  readonly batch: EncodedBatch | undefined;
  readonly records: number;
}

/** One file of a spool: batches one behind the other, in their order. */
export class SpoolFile {
  readonly path: string;
  readonly #handle: FileHandle;
  /** Those that wait. */
  readonly #entries: Entry[] = [];
  #size = 0;
  #appending = false;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  static async create(path: string): Promise<SpoolFile> {
    return new SpoolFile(path, await open(path, 'wx+', 0o600));
  }

  /**
   * Opens one that is there. What a process was writing when it ended is cut off.
   *
   * @returns the file, and how many octets were cut off
   */
  static async recover(path: string): Promise<{ readonly file: SpoolFile; readonly cut: number }> {
    const handle = await open(path, 'r+');
    const file = new SpoolFile(path, handle);
    const { size } = await handle.stat();
    const octets = Buffer.alloc(HEADER_OCTETS);
    for (;;) {
      const { bytesRead } = await handle.read(octets, 0, HEADER_OCTETS, file.#size);
      const header = bytesRead === HEADER_OCTETS ? readHeader(octets) : undefined;
      if (header === undefined || file.#size + HEADER_OCTETS + header.length > size) break;
      if (!header.done) file.#entries.push({ position: file.#size, header });
      file.#size += HEADER_OCTETS + header.length;
    }
    if (file.#size < size) await handle.truncate(file.#size);
    return { file, cut: size - file.#size };
  }

  get size(): number {
    return this.#size;
  }

  /** Nothing waits in it, and nothing is being written. */
  get empty(): boolean {
    return this.#entries.length === 0 && !this.#appending;
  }

  /** Records that wait in it. */
  get records(): number {
    return this.#entries.reduce((sum, { header }) => sum + header.records, 0);
  }

  /** Octets that wait in it. */
  get waiting(): number {
    return this.#entries.reduce((sum, { header }) => sum + HEADER_OCTETS + header.length, 0);
  }

  /** Writes all of it or nothing. @throws Error ENOSPC, EIO … */
  async append(batch: EncodedBatch, sync: boolean): Promise<number> {
    const parts = frameOf(batch);
    const octets = parts.reduce((sum, { length }) => sum + length, 0);
    const position = this.#size;
    this.#appending = true;
    try {
      const { bytesWritten } = await this.#handle.writev(parts, position);
      if (bytesWritten < octets)
        throw Object.assign(new Error('no space left on the disk'), { code: 'ENOSPC' });
      if (sync) await this.#handle.datasync();
    } catch (error) {
      await this.#handle.truncate(position).catch(() => undefined);
      throw error;
    } finally {
      this.#appending = false;
    }
    this.#entries.push({ position, header: readHeader(parts[0] as Buffer) as FrameHeader });
    this.#size += octets;
    return octets;
  }

  /** The first batch that waits. */
  async read(): Promise<Spooled | undefined> {
    const [entry] = this.#entries;
    if (entry === undefined) return undefined;
    const { header, position } = entry;
    const body = Buffer.allocUnsafeSlow(header.length);
    const { bytesRead } = await this.#handle.read(body, 0, header.length, position + HEADER_OCTETS);
    return { batch: readBatch(header, body.subarray(0, bytesRead)), records: header.records };
  }

  /** The first batch is done with. @returns the octets that it took, and what is still to be written */
  remove(): { readonly octets: number; readonly marked: Promise<unknown> } {
    const entry = this.#entries.shift();
    if (entry === undefined) return { octets: 0, marked: Promise.resolve() };
    const mark = Buffer.alloc(4);
    mark.writeUInt32LE(DONE);
    const marked = this.#handle.write(mark, 0, mark.length, entry.position + DONE_OFFSET);
    return { octets: HEADER_OCTETS + entry.header.length, marked };
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async delete(): Promise<void> {
    await this.#handle.close();
    await unlink(this.path);
  }
}

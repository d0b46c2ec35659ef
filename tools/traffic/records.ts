/** Reads the records of generator and judge (shared/record.h) from a file that still grows. */
import { closeSync, openSync, readSync } from 'node:fs';

export interface PacketRecord {
  readonly exporter: number;
  /** Through which interface of the judge it came, from 1; 0 in the generator's records. */
  readonly way: number;
  readonly sequence: number;
  /** Monotonic. */
  readonly atMs: number;
}

const RECORD_BYTES = 16;
const CHUNK_BYTES = RECORD_BYTES * 65_536;

export class RecordReader implements Disposable {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(CHUNK_BYTES);
  #fd: number | undefined;
  #position = 0;

  /** @param path of a file that may be made later */
  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the records that are new. */
  read(take: (record: PacketRecord) => void): void {
    if (!this.#open()) return;
    for (;;) {
      const bytes = readSync(this.#fd ?? -1, this.#buffer, 0, CHUNK_BYTES, this.#position);
      // The last record may be there in part.
      const whole = bytes - (bytes % RECORD_BYTES);
      for (let at = 0; at < whole; at += RECORD_BYTES) take(readRecord(this.#buffer, at));
      this.#position += whole;
      if (whole < CHUNK_BYTES) return;
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  #open(): boolean {
    try {
      this.#fd ??= openSync(this.#path, 'r');
      return true;
    } catch {
      return false; // its program has not made it yet
    }
  }
}

/** The lab runs on little-endian machines, as the package does. */
function readRecord(buffer: Buffer, at: number): PacketRecord {
  return {
    exporter: buffer.readUInt16LE(at),
    way: buffer.readUInt16LE(at + 2),
    sequence: buffer.readUInt32LE(at + 4),
    atMs: (buffer.readUInt32LE(at + 8) + buffer.readUInt32LE(at + 12) * 2 ** 32) / 1e6,
  };
}

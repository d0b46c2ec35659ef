import { closeSync, openSync } from 'node:fs';
import { IS_LITTLE_ENDIAN } from '../base/byte-order.ts';
import { createMemory, mapMemory, sealMemory, unmapMemory } from '../native/memory.ts';
import { HEADER, PATH, PATHS } from '../native/paths-layout.ts';

const BYTES = PATHS.MAX * PATH.SIZE;
/** Words of 64 bits: what a frame and the number of hops are in. */
const WIDE = 8;

/** A way for frames: what a row of the path table says. */
export interface PathRow {
  /** Index of the interface. */
  readonly link: number;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  /** The Ethernet header, 14 bytes. */
  readonly frame: Uint8Array;
  /** Where there are several next hops: rows of their own, in a row. */
  readonly hops?: { readonly first: number; readonly count: number };
}

/** One copy of the path table. */
class Sheet {
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #wide: BigUint64Array;

  constructor(memory: ArrayBuffer) {
    this.bytes = new Uint8Array(memory);
    this.#words = new Int32Array(memory);
    this.#wide = new BigUint64Array(memory);
  }

  set users(users: number) {
    Atomics.store(this.#words, HEADER.USERS, users);
  }

  looked(nowMs: bigint): void {
    Atomics.store(this.#wide, (HEADER.LOOKED_MS * 4) / WIDE, nowMs);
  }

  name(): void {
    Atomics.store(this.#words, HEADER.LAYOUT, PATHS.LAYOUT);
    Atomics.store(this.#words, HEADER.MAGIC, PATHS.MAGIC);
  }

  write(index: number, { link, mtu, frame, hops }: PathRow): void {
    const at = index * PATH.WORDS;
    // Odd: whoever reads meanwhile has no path.
    Atomics.add(this.#words, at + PATH.CHANGES, 1);
    Atomics.store(this.#words, at + PATH.LINK, link);
    Atomics.store(this.#words, at + PATH.MTU, mtu);
    Atomics.store(this.#words, at + PATH.FIRST_HOP, hops?.first ?? 0);
    const wide = frameWords(frame, hops?.count ?? 0);
    for (const [i, word] of wide.entries())
      Atomics.store(this.#wide, (index * PATH.SIZE + PATH.FRAME_BYTE) / WIDE + i, word);
    Atomics.add(this.#words, at + PATH.CHANGES, 1);
  }

  clear(index: number): void {
    Atomics.store(this.#words, index * PATH.WORDS + PATH.LINK, 0);
  }
}

/** The path table in a memory file (native/include/paths.h): written here, read by all that makes frames. */
export class PathMemory {
  /** Opened for reading. */
  readonly readOnlyFd: number;
  /** Mapped before the file was sealed: nobody else can write to it. */
  readonly #memory: ArrayBuffer;
  readonly #file: Sheet;
  /** The file, and copies of it. */
  readonly #sheets: Sheet[];

  constructor() {
    const fd = createMemory('floxy-paths', BYTES);
    this.#memory = mapMemory(fd, BYTES, true);
    this.readOnlyFd = openSync(`/proc/self/fd/${fd}`, 'r');
    sealMemory(fd, true);
    closeSync(fd);
    this.#file = new Sheet(this.#memory);
    this.#sheets = [this.#file];
    this.#file.name();
  }

  /** Another memory of as many bytes, all zero, has the same from now on. */
  copyTo(memory: ArrayBuffer): void {
    const copy = new Sheet(memory);
    copy.bytes.set(this.#file.bytes);
    this.#sheets.push(copy);
  }

  /** Who may make frames: PATHS.SENDER, PATHS.KERNEL. */
  set users(users: number) {
    for (const sheet of this.#sheets) sheet.users = users;
  }

  /** All that is written is true now. */
  looked(): void {
    const nowMs = process.hrtime.bigint() / 1_000_000n;
    for (const sheet of this.#sheets) sheet.looked(nowMs);
  }

  write(index: number, row: PathRow): void {
    for (const sheet of this.#sheets) sheet.write(index, row);
  }

  /** There is no path. */
  clear(index: number): void {
    for (const sheet of this.#sheets) sheet.clear(index);
  }

  close(): void {
    unmapMemory(this.#memory);
    closeSync(this.readOnlyFd);
  }
}

/** The frame, and the number of hops behind it. */
function frameWords(frame: Uint8Array, hops: number): BigUint64Array {
  const bytes = new Uint8Array(2 * WIDE);
  bytes.set(frame);
  new DataView(bytes.buffer).setUint16(PATH.HOPS_BYTE - PATH.FRAME_BYTE, hops, IS_LITTLE_ENDIAN);
  return new BigUint64Array(bytes.buffer);
}

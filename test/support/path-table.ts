/** Reads the path table as its readers do (native/include/paths.h). */
import { mapMemory } from '../../src/native/memory.ts';
import { HEADER, PATH, PATHS } from '../../src/native/paths-layout.ts';

/** A way for frames, in words. */
export interface PathText {
  readonly link: number;
  readonly mtu: number;
  /** Whom frames go to, and from whom: `02:00:00:00:00:01`. */
  readonly to: string;
  readonly from: string;
  readonly etherType: number;
  /** Of each part of what goes there; null where there is no path. */
  readonly hops?: readonly (PathText | null)[];
}

export class PathTableReader {
  readonly #memory: ArrayBuffer;
  readonly #words: Int32Array;

  constructor(readOnlyFd: number) {
    this.#memory = mapMemory(readOnlyFd, PATHS.MAX * PATH.SIZE, false);
    this.#words = new Int32Array(this.#memory);
  }

  get header() {
    const words = this.#words;
    const looked = new BigUint64Array(this.#memory, HEADER.LOOKED_MS * 4, 1);
    return {
      magic: words[HEADER.MAGIC],
      layout: words[HEADER.LAYOUT],
      users: words[HEADER.USERS],
      lookedMs: Number(looked[0]),
    };
  }

  /** @returns null when there is no path */
  row(index: number): PathText | null {
    const at = index * PATH.WORDS + PATH.CHANGES;
    const changes = Atomics.load(this.#words, at);
    const path = this.#read(index);
    const isWhole = changes % 2 === 0 && Atomics.load(this.#words, at) === changes;
    return isWhole && path.link !== 0 ? path : null;
  }

  #read(index: number): PathText {
    const word = (name: number) => this.#words[index * PATH.WORDS + name] ?? 0;
    const bytes = Buffer.from(this.#memory, index * PATH.SIZE, PATH.SIZE);
    const frame = bytes.subarray(PATH.FRAME_BYTE, PATH.FRAME_BYTE + PATHS.FRAME_BYTES);
    const mac = (from: number) =>
      Array.from(frame.subarray(from, from + 6), (octet) =>
        octet.toString(16).padStart(2, '0'),
      ).join(':');
    const hops = bytes.readUInt16LE(PATH.HOPS_BYTE);
    const first = word(PATH.FIRST_HOP);
    return {
      link: word(PATH.LINK),
      mtu: word(PATH.MTU),
      to: mac(0),
      from: mac(6),
      etherType: frame.readUInt16BE(12),
      ...(hops > 0 && { hops: Array.from({ length: hops }, (_, i) => this.row(first + i)) }),
    };
  }
}

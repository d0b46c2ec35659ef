/**
 * Reads capture files: pcap (both byte orders, micro- and nanoseconds) and pcapng. The reader takes bytes
 * as they come, so that a file can be read while tcpdump still writes it.
 *
 * Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
 */

/** A captured frame, and the link type that tells how it starts (LINKTYPE_ values). */
export interface Frame {
  readonly linkType: number;
  readonly bytes: Buffer;
}

const PCAP_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const PCAPNG_SECTION_HEADER = 0x0a0d0d0a;
const PCAPNG_INTERFACE = 1;
const PCAPNG_SIMPLE_PACKET = 3;
const PCAPNG_ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

type Read32 = (bytes: Buffer, at: number) => number;
const little: Read32 = (bytes, at) => bytes.readUInt32LE(at);
const big: Read32 = (bytes, at) => bytes.readUInt32BE(at);

/** Turns the bytes of a capture file into frames, piece by piece. */
export class CaptureReader {
  #rest: Buffer = Buffer.alloc(0);
  #format: 'pcap' | 'pcapng' | undefined;
  #read32 = little;
  #linkTypes: number[] = [];

  /** @throws Error when the bytes are no capture file */
  push(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    for (;;) {
      const used = this.#format === undefined ? this.#start() : this.#next(at, frames);
      if (used === 0) break;
      at += used;
    }
    this.#rest = this.#rest.subarray(at);
    return frames;
  }

  /** Reads the header of the file. Returns how many bytes are done with, 0 when more are needed. */
  #start(): number {
    if (this.#rest.length < PCAP_HEADER_BYTES) return 0;
    const magic = this.#rest.readUInt32BE(0);
    if (magic === PCAPNG_SECTION_HEADER) {
      this.#format = 'pcapng';
      // The section header itself is read as a block, which is what gives the byte order.
      return this.#next(0, []);
    }
    const byteOrder = PCAP_MAGICS.get(magic);
    if (byteOrder === undefined) throw new Error(`no capture file: magic 0x${magic.toString(16)}`);
    this.#format = 'pcap';
    this.#read32 = byteOrder;
    this.#linkTypes = [byteOrder(this.#rest, 20) & 0xffff];
    return PCAP_HEADER_BYTES;
  }

  #next(at: number, frames: Frame[]): number {
    return this.#format === 'pcap' ? this.#nextRecord(at, frames) : this.#nextBlock(at, frames);
  }

  #nextRecord(at: number, frames: Frame[]): number {
    if (this.#rest.length < at + RECORD_HEADER_BYTES) return 0;
    const captured = this.#read32(this.#rest, at + 8);
    const end = at + RECORD_HEADER_BYTES + captured;
    if (this.#rest.length < end) return 0;
    const bytes = this.#rest.subarray(at + RECORD_HEADER_BYTES, end);
    frames.push({ linkType: this.#linkTypes[0] ?? 0, bytes });
    return end - at;
  }

  #nextBlock(at: number, frames: Frame[]): number {
    const rest = this.#rest;
    if (rest.length < at + 12) return 0;
    if (rest.readUInt32BE(at) === PCAPNG_SECTION_HEADER) {
      this.#read32 = rest.readUInt32LE(at + 8) === BYTE_ORDER_MAGIC ? little : big;
      this.#linkTypes = [];
    }
    const length = this.#read32(rest, at + 4);
    if (length < 12) throw new Error(`a pcapng block of ${length} bytes`);
    if (rest.length < at + length) return 0;
    this.#readBlock(rest.subarray(at, at + length), frames);
    return length;
  }

  #readBlock(block: Buffer, frames: Frame[]): void {
    const type = this.#read32(block, 0);
    if (type === PCAPNG_INTERFACE) {
      this.#linkTypes.push(this.#read32 === little ? block.readUInt16LE(8) : block.readUInt16BE(8));
    } else if (type === PCAPNG_ENHANCED_PACKET) {
      const linkType = this.#linkTypes[this.#read32(block, 8)] ?? 0;
      frames.push({ linkType, bytes: block.subarray(28, 28 + this.#read32(block, 20)) });
    } else if (type === PCAPNG_SIMPLE_PACKET) {
      const captured = Math.min(this.#read32(block, 8), block.length - 16);
      frames.push({ linkType: this.#linkTypes[0] ?? 0, bytes: block.subarray(12, 12 + captured) });
    }
  }
}

/** Magic numbers as read in big endian: microseconds and nanoseconds in both byte orders. */
const PCAP_MAGICS: ReadonlyMap<number, Read32> = new Map([
  [0xa1b2c3d4, big],
  [0xa1b23c4d, big],
  [0xd4c3b2a1, little],
  [0x4d3cb2a1, little],
]);

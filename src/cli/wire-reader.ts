import { Unusual } from './wire-shape.ts';

export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;

/** Reads the encoding of a message (https://protobuf.dev/programming-guides/encoding/) step by step. */
export class WireReader {
  readonly bytes: Buffer;
  /** Where the next value begins. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The number of a field times 8, and how its value is encoded. */
  tag(): number {
    const first = this.bytes[this.at];
    if (first !== undefined && first < 0x80) {
      this.at++;
      return first;
    }
    return Number(this.varint());
  }

  /** Of a value of variable length, which begins after it. */
  length(wireType: number): number {
    if (wireType !== DELIMITED) throw new Unusual();
    const length = this.tag();
    if (this.at + length > this.bytes.length) throw new Unusual();
    return length;
  }

  /** Up to 64 bits; a number where it is exact. */
  varint(): number | bigint {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    let rest = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      rest |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, rest);
    }
    throw new Unusual();
  }

  double(): number {
    if (this.at + 8 > this.bytes.length) throw new Unusual();
    const value = this.bytes.readDoubleLE(this.at);
    if (!Number.isFinite(value)) throw new Unusual();
    this.at += 8;
    return value;
  }

  /** Steps over a value. */
  skip(wireType: number): void {
    if (wireType === VARINT) this.varint();
    else if (wireType === FIXED64) this.at += 8;
    else {
      const length = this.length(wireType);
      this.at += length;
    }
  }

  #byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Unusual();
    return byte;
  }
}

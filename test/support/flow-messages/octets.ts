/** Octets in network order, one value behind the other. */
export class OctetWriter {
  #octets: number[] = [];

  get length(): number {
    return this.#octets.length;
  }

  u8(value: number): this {
    this.#octets.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value);
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value);
  }

  add(octets: Iterable<number>): this {
    for (const octet of octets) this.#octets.push(octet);
    return this;
  }

  /** Zeros, up to a multiple of so many octets. */
  pad(multiple: number): this {
    while (this.#octets.length % multiple !== 0) this.#octets.push(0);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#octets);
  }
}

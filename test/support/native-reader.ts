/**
 * Reads blocks of ClickHouse's Native format: number of columns and of rows as varints, then for each column its name and
 * type as texts, and its values. Values are as the server shows them in JSON with quoted 64-bit numbers, but for
 * addresses, which are hexadecimal, and times, which are as they stand.
 */
type Reader = (octets: Cursor) => string;

class Cursor {
  readonly #octets: Buffer;
  #at = 0;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#octets.length;
  }

  take(count: number): Buffer {
    if (this.#at + count > this.#octets.length) throw new Error(`the block ends at ${this.#at}`);
    this.#at += count;
    return this.#octets.subarray(this.#at - count, this.#at);
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const octet = this.take(1).readUInt8();
      value += (octet & 0x7f) * factor;
      if (octet < 0x80) return value;
    }
  }

  text(): string {
    return this.take(this.varint()).toString();
  }
}

const READERS: Readonly<Record<string, Reader>> = {
  UInt8: (octets) => String(octets.take(1).readUInt8()),
  UInt16: (octets) => String(octets.take(2).readUInt16LE()),
  UInt32: (octets) => String(octets.take(4).readUInt32LE()),
  UInt64: (octets) => String(octets.take(8).readBigUInt64LE()),
  DateTime: (octets) => String(octets.take(4).readUInt32LE()),
  'DateTime64(6)': (octets) => String(octets.take(8).readBigInt64LE()),
  IPv6: (octets) => octets.take(16).toString('hex'),
  'FixedString(16)': (octets) => octets.take(16).toString('hex'),
  String: (octets) => octets.text(),
};

/** All rows of all blocks: the values that each has, by column. */
export function readNative(octets: Buffer): Record<string, string>[] {
  const cursor = new Cursor(octets);
  const rows: Record<string, string>[] = [];
  while (!cursor.isAtEnd) {
    const columns = cursor.varint();
    const block = Array.from({ length: cursor.varint() }, (): Record<string, string> => ({}));
    for (let i = 0; i < columns; i++) {
      const name = cursor.text();
      const type = cursor.text();
      const read = READERS[type];
      if (!read) throw new Error(`column ${name} is of type ${type}`);
      for (const row of block) row[name] = read(cursor);
    }
    rows.push(...block);
  }
  return rows;
}

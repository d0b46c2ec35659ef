import { OVERRUN } from './literal.ts';

/** The texts of a batch, each encoded once. */
export class EncodedTexts {
  readonly #encode: (text: string) => string;
  #octets = Buffer.alloc(256);
  view = new DataView(this.#octets.buffer, this.#octets.byteOffset, this.#octets.byteLength);
  /** Where the text of an index begins; it ends where the next begins. */
  starts = new Uint32Array(2);
  /** Octets of the longest. */
  longest = 0;

  constructor(encode: (text: string) => string) {
    this.#encode = encode;
  }

  /** @param texts those of a batch: the first is the empty one, which is not written */
  read(texts: readonly string[]): void {
    this.longest = 0;
    if (texts.length === 1) return;
    if (this.starts.length < texts.length + 1) this.starts = new Uint32Array(texts.length * 2);
    let end = 0;
    for (let i = 1; i < texts.length; i++) {
      const octets = Buffer.from(this.#encode(texts[i] as string));
      this.#reserve(end + octets.length);
      octets.copy(this.#octets, end);
      this.starts[i] = end;
      end += octets.length;
      this.longest = Math.max(this.longest, octets.length);
    }
    this.starts[texts.length] = end;
  }

  /** Octets of a text, by its index. */
  lengthOf(index: number): number {
    if (index === 0) return 0;
    return (this.starts[index + 1] as number) - (this.starts[index] as number);
  }

  #reserve(end: number): void {
    if (end + OVERRUN <= this.#octets.length) return;
    const grown = Buffer.alloc((end + OVERRUN) * 2);
    this.#octets.copy(grown);
    this.#octets = grown;
    this.view = new DataView(grown.buffer, grown.byteOffset, grown.byteLength);
  }
}

/** Writes a text of the batch. @returns where the next octet goes */
export function putText(view: DataView, at: number, texts: EncodedTexts, index: number): number {
  const { view: from, starts } = texts;
  const start = starts[index] as number;
  const length = (starts[index + 1] as number) - start;
  for (let i = 0; i < length; i += 4) {
    view.setUint32(at + i, from.getUint32(start + i, true), true);
  }
  return at + length;
}

/** Where text is written: `at` is where the next octet goes, moved by who writes. */
export interface TextOutput {
  /** What to write into. Another one after `ensure`. */
  readonly view: DataView;
  at: number;
  /** Makes room behind `at`. @returns the view, which may be a new one */
  ensure(octets: number): DataView;
}

/** Memory that grows as it must. */
export class GrowingBuffer implements TextOutput {
  bytes = new Uint8Array(4096);
  view = new DataView(this.bytes.buffer);
  at = 0;

  ensure(octets: number): DataView {
    const needed = this.at + octets;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.at));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return this.view;
  }
}

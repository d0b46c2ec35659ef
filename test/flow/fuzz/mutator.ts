import type { Random } from '../../support/flow-messages/random.ts';

/** Values at which lengths, counts and ids change what they mean. */
const INTERESTING = [0, 1, 2, 3, 4, 5, 8, 9, 10, 16, 127, 128, 254, 255, 256, 257, 1024];
const INTERESTING_16 = [...INTERESTING, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff];
const INTERESTING_32 = [...INTERESTING_16, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** Makes datagrams of others: a few octets changed, cut, moved, or parts of two of them put together. */
export class Mutator {
  readonly #random: Random;
  readonly #corpus: readonly Uint8Array[];
  readonly #work: Uint8Array;
  #length = 0;

  constructor(random: Random, corpus: readonly Uint8Array[], most = 9_000) {
    this.#random = random;
    this.#corpus = corpus;
    this.#work = new Uint8Array(most);
  }

  /** The next datagram; its memory is used again for the one after it. One in eight is as it was. */
  next(): Uint8Array {
    const random = this.#random;
    const from = random.pick(this.#corpus);
    this.#length = Math.min(from.length, this.#work.length);
    this.#work.set(from.subarray(0, this.#length));
    if (random.once(8)) return this.#work.subarray(0, this.#length);
    const times = random.once(3) ? random.int(2, 12) : 1;
    for (let i = 0; i < times; i++) this.#mutate();
    return this.#work.subarray(0, this.#length);
  }

  #mutate(): void {
    const random = this.#random;
    if (this.#length === 0) return;
    const at = random.int(0, this.#length - 1);
    switch (random.int(0, 9)) {
      case 0:
        this.#work[at] = (this.#work[at] as number) ^ (1 << random.int(0, 7));
        break;
      case 1:
        this.#work[at] = random.u32();
        break;
      case 2:
      case 3:
      case 4:
        this.#put16(at & ~1, random.pick(INTERESTING_16));
        break;
      case 5:
        this.#put16(at & ~3, random.pick(INTERESTING_32) >>> 16);
        this.#put16((at & ~3) + 2, random.pick(INTERESTING_32));
        break;
      case 6:
        this.#length = at;
        break;
      case 7:
        this.#work.copyWithin(at, random.int(0, this.#length - 1), this.#length);
        break;
      case 8:
        this.#splice(at);
        break;
      default:
        this.#work.fill(random.pick([0, 255]), at, Math.min(at + random.int(1, 40), this.#length));
    }
  }

  #put16(at: number, value: number): void {
    if (at + 2 > this.#length) return;
    this.#work[at] = value >>> 8;
    this.#work[at + 1] = value;
  }

  /** From here on it is another one: mostly of where that one was too. */
  #splice(at: number): void {
    const random = this.#random;
    const other = random.pick(this.#corpus);
    const from = random.once(3) ? random.int(0, other.length) : Math.min(at, other.length);
    const part = other.subarray(from, from + this.#work.length - at);
    this.#work.set(part, at);
    this.#length = at + part.length;
  }
}

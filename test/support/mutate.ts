/** Changes to datagrams as attackers and broken exporters make them. */

/** A small generator of numbers, so that a run can be repeated by its seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number below the limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit) >>> 0;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

const WORDS = [
  0, 1, 2, 3, 4, 5, 7, 8, 0xff, 0x3fffffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
];

type Mutation = (bytes: Buffer, dice: Dice) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  function setOctet(bytes, dice) {
    bytes[dice.below(bytes.length)] = dice.below(256);
    return bytes;
  },
  function flipBit(bytes, dice) {
    const at = dice.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << dice.below(8));
    return bytes;
  },
  function setWord(bytes, dice) {
    if (bytes.length >= 4) bytes.writeUInt32BE(dice.of(WORDS), 4 * dice.below(bytes.length >> 2));
    return bytes;
  },
  function stepWord(bytes, dice) {
    if (bytes.length < 4) return bytes;
    const at = 4 * dice.below(bytes.length >> 2);
    bytes.writeUInt32BE((bytes.readUInt32BE(at) + dice.below(17) - 8) >>> 0, at);
    return bytes;
  },
  function cut(bytes, dice) {
    return bytes.subarray(0, dice.below(bytes.length + 1));
  },
  function repeat(bytes, dice) {
    const from = 4 * dice.below((bytes.length >> 2) + 1);
    const to = from + 4 * dice.below(16);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  function remove(bytes, dice) {
    const from = 4 * dice.below((bytes.length >> 2) + 1);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 4 * dice.below(16))]);
  },
];

/** A datagram with some changes. */
export function mutate(datagram: Buffer, dice: Dice): Buffer {
  let bytes: Buffer = Buffer.from(datagram);
  for (let left = 1 + dice.below(4); left > 0 && bytes.length > 0; left--) {
    bytes = Buffer.from(dice.of(MUTATIONS)(bytes, dice));
  }
  return bytes;
}

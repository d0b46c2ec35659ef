/** What is known of a network. */
export interface NetworkFacts {
  /** 0 when unknown. */
  readonly as: number;
  /** Two letters, empty when unknown. */
  readonly country: string;
}

/** Codes of countries are small numbers: 1 for AA to 676 for ZZ, 0 for none. */
export const COUNTRY_CODES = 26 * 26 + 1;

const FIRST_LETTER = 65;
const FIRST_ROOM = 1024;
const MAX_RANGES = 2 ** 24;
const BLOCKS = 2 ** 16;

export function countryNumber(code: string): number {
  if (!/^[A-Z]{2}$/.test(code)) return 0;
  return (code.charCodeAt(0) - FIRST_LETTER) * 26 + code.charCodeAt(1) - FIRST_LETTER + 1;
}

export function countryCode(number: number): string {
  if (number === 0) return '';
  const at = number - 1;
  return String.fromCharCode(FIRST_LETTER + Math.floor(at / 26), FIRST_LETTER + (at % 26));
}

/**
 * Ranges of addresses one behind the other, each from its start to the next one's: sorted, without gaps (what nothing
 * is known of is a range as well), and none like the one before. Found by halving, within the addresses whose first 16
 * bits are the same.
 */
export class NetworkRanges {
  /** Words of an address: 1 for IPv4, 4 for IPv6. */
  readonly #width: 1 | 4;
  #starts: Uint32Array;
  #as = new Uint32Array(FIRST_ROOM);
  #countries = new Uint16Array(FIRST_ROOM);
  #count = 0;
  /** The first range that may have addresses which begin with these 16 bits. */
  readonly #blocks = new Uint32Array(BLOCKS + 1);

  constructor(width: 1 | 4) {
    this.#width = width;
    this.#starts = new Uint32Array(FIRST_ROOM * width);
  }

  get count(): number {
    return this.#count;
  }

  /** AS by range: 0 when unknown. */
  get as(): Uint32Array {
    return this.#as;
  }

  /** Countries by range: see countryCode. */
  get countries(): Uint16Array {
    return this.#countries;
  }

  /**
   * Begins a range behind the last one.
   *
   * @param start its first address, above that of the last range
   * @throws RangeError when there are too many
   */
  add(start: Uint32Array, as: number, country: number): void {
    const last = this.#count - 1;
    if (last >= 0 && this.#as[last] === as && this.#countries[last] === country) return;
    if (this.#count === MAX_RANGES) throw new RangeError(`more than ${MAX_RANGES} networks`);
    if (this.#count === this.#as.length) this.#grow();
    const width = this.#width;
    for (let i = 0; i < width; i++) this.#starts[this.#count * width + i] = start[i] as number;
    this.#as[this.#count] = as;
    this.#countries[this.#count] = country;
    this.#count++;
  }

  /** Makes it ready for look-ups: gives memory back that is not needed, and notes where addresses begin. */
  finish(): void {
    const count = this.#count;
    this.#starts = this.#starts.slice(0, count * this.#width);
    this.#as = this.#as.slice(0, count);
    this.#countries = this.#countries.slice(0, count);
    let range = 0;
    for (let block = 0; block < BLOCKS; block++) {
      while (range < count && this.#blockOf(range) < block) range++;
      // The range before may reach into it.
      const isStart = range < count && this.#isBlockStart(range, block);
      this.#blocks[block] = isStart || range === 0 ? range : range - 1;
    }
    this.#blocks[BLOCKS] = count - 1;
  }

  /**
   * Which range an address is in, as an index of `as` and `countries`. There has to be a range.
   *
   * @param at where the first word of the address is
   */
  find(address: Uint32Array, at: number): number {
    const block = (address[at] as number) >>> 16;
    let low = this.#blocks[block] as number;
    let high = this.#count - 1;
    if (block + 1 < BLOCKS) high = this.#blocks[block + 1] as number;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#isAbove(middle, address, at)) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  #isAbove(range: number, address: Uint32Array, at: number): boolean {
    const width = this.#width;
    const starts = this.#starts;
    for (let i = 0, from = range * width; i < width; i++) {
      const start = starts[from + i] as number;
      const word = address[at + i] as number;
      if (start !== word) return start > word;
    }
    return false;
  }

  #blockOf(range: number): number {
    return (this.#starts[range * this.#width] as number) >>> 16;
  }

  #isBlockStart(range: number, block: number): boolean {
    const from = range * this.#width;
    const rest = this.#starts.subarray(from + 1, from + this.#width);
    return this.#starts[from] === block * BLOCKS && rest.every((word) => word === 0);
  }

  #grow(): void {
    this.#starts = grown(this.#starts, new Uint32Array(this.#starts.length * 2));
    this.#as = grown(this.#as, new Uint32Array(this.#as.length * 2));
    this.#countries = grown(this.#countries, new Uint16Array(this.#countries.length * 2));
  }
}

function grown<T extends Uint32Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

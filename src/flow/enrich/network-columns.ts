import type { FlowBatch } from '../model/flow-batch.ts';
import type { Networks } from './network-file.ts';
import { COUNTRY_CODES, countryCode } from './network-ranges.ts';
import type { NetworkOptions } from './options.ts';

const MAPPED = 0xffff;
const UNKNOWN_TEXT = 0xffff_ffff;

/** Fills AS and country of source and destination by files of networks. */
export class NetworkColumns {
  readonly #options: NetworkOptions;
  /** Which text of the batch each country is. */
  readonly #texts = new Uint32Array(COUNTRY_CODES);
  /** What files say, where that goes before what exporters say. */
  #found = new Uint32Array(0);

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** @param files the first that knows counts */
  fill(batch: FlowBatch, files: readonly Networks[]): void {
    const { srcAddr, srcAs, srcCountry, dstAddr, dstAs, dstCountry } = batch.columns;
    this.#texts.fill(UNKNOWN_TEXT);
    this.#texts[0] = 0;
    this.#fillSide(batch, files, { addresses: srcAddr, as: srcAs, countries: srcCountry });
    this.#fillSide(batch, files, { addresses: dstAddr, as: dstAs, countries: dstCountry });
  }

  #fillSide(batch: FlowBatch, files: readonly Networks[], side: Side): void {
    const { as, country } = this.#options;
    const found = as === 'always' ? this.#emptyFound(batch.capacity) : side.as;
    for (const networks of files) {
      this.#fillFrom(batch, networks, {
        addresses: side.addresses,
        as: as === 'never' ? undefined : found,
        countries: country ? side.countries : undefined,
      });
    }
    if (as !== 'always') return;
    for (let row = 0; row < batch.rows; row++) {
      const number = found[row] as number;
      if (number !== 0) side.as[row] = number;
    }
  }

  #emptyFound(rows: number): Uint32Array {
    if (this.#found.length < rows) this.#found = new Uint32Array(rows);
    return this.#found.fill(0);
  }

  #fillFrom(batch: FlowBatch, { ipv4, ipv6 }: Networks, wanted: Wanted): void {
    const { addresses, as, countries } = wanted;
    for (let row = 0, at = 0; row < batch.rows; row++, at += 4) {
      const isIpv4 = addresses[at + 2] === MAPPED && addresses[at + 1] === 0 && addresses[at] === 0;
      const ranges = isIpv4 ? ipv4 : ipv6;
      const found = ranges.find(addresses, isIpv4 ? at + 3 : at);
      if (as !== undefined && as[row] === 0) as[row] = ranges.as[found] as number;
      if (countries !== undefined && countries[row] === 0) {
        countries[row] = this.#textOf(batch, ranges.countries[found] as number);
      }
    }
  }

  #textOf(batch: FlowBatch, number: number): number {
    const known = this.#texts[number] as number;
    if (known !== UNKNOWN_TEXT) return known;
    const index = batch.textIndex(countryCode(number));
    this.#texts[number] = index;
    return index;
  }
}

interface Side {
  readonly addresses: Uint32Array;
  readonly as: Uint32Array;
  readonly countries: Uint32Array;
}

/** What is not wanted is left out. */
interface Wanted {
  readonly addresses: Uint32Array;
  readonly as: Uint32Array | undefined;
  readonly countries: Uint32Array | undefined;
}

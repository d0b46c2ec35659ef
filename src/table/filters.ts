/** Filters of outputs in a forwarding table. Layout: native/include/table.h, struct table_filter. */
import { mappedOctets } from '../model/address.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { FLOW_PROTOCOLS, type FlowProtocol } from '../model/flow-protocol.ts';
import { type Filter, filterKey, type Output } from '../model/rules.ts';
import { FILTER, HEADER } from './layout.ts';
import { Runs } from './runs.ts';
import type { TouchedWords } from './touched-words.ts';

/** Values of an address, of which a filter has one for each sFlow agent. */
const AGENT_WORDS = 4;

/** In the place of a filter of a table. */
export const NO_ROOM = -1;

/** Rows of filters and of their values. */
export interface FilterCount {
  readonly filters: number;
  readonly values: number;
}

/** Where in a table a filter is, and how many outputs have it. */
interface Place {
  readonly key: string;
  readonly values: { readonly first: number; readonly count: number };
  outputs: number;
}

/**
 * The filters of a table, each of them there once, however many outputs have it. As the rows in use do, they go on from
 * one copy of the table to the next.
 */
export class Filters {
  readonly capacity: FilterCount;
  readonly #rows: Runs;
  readonly #values: Runs;
  /** By filterKey(). */
  readonly #indexes = new Map<string, number>();
  readonly #places: Place[] = [];

  constructor(capacity: FilterCount) {
    this.capacity = capacity;
    this.#rows = new Runs(capacity.filters);
    this.#values = new Runs(capacity.values);
  }

  /** From here on none has been in use. */
  get used(): FilterCount {
    return { filters: this.#rows.used, values: this.#values.used };
  }

  /**
   * One more output has this filter. It is written when none had it before.
   *
   * @param words of the table, with its header
   * @param touched is told what is written
   * @returns what table_output.filter says, or NO_ROOM
   */
  take(filter: Filter, words: Int32Array, touched: TouchedWords | undefined): number {
    const key = filterKey(filter);
    const known = this.#indexes.get(key);
    if (known !== undefined) {
      (this.#places[known] as Place).outputs++;
      return known + 1;
    }
    const values = valuesOf(filter);
    const index = this.#rows.take(1);
    const first = this.#values.take(values.length);
    if (index < 0 || first < 0) return NO_ROOM;
    this.#indexes.set(key, index);
    this.#places[index] = { key, values: { first, count: values.length }, outputs: 1 };
    const valuesAt = (words[HEADER.FILTER_VALUES] as number) + first;
    words.set(values, valuesAt);
    touched?.add(valuesAt, values.length);
    const at = (words[HEADER.FILTERS] as number) + index * FILTER.WORDS;
    writeRow(words.subarray(at, at + FILTER.WORDS), filter, first);
    touched?.add(at, FILTER.WORDS);
    return index + 1;
  }

  /** One output less has it. @param filter as take() returned it */
  release(filter: number): void {
    const index = filter - 1;
    const place = this.#places[index] as Place;
    place.outputs--;
    if (place.outputs > 0) return;
    this.#indexes.delete(place.key);
    this.#rows.release(index, 1);
    this.#values.release(place.values.first, place.values.count);
  }
}

/** What a table needs for the filters of these outputs. */
export function countFilters(outputs: Iterable<Output>): FilterCount {
  const values = new Map<string, number>();
  for (const { filter } of outputs) {
    if (filter !== undefined) values.set(filterKey(filter), valuesOf(filter).length);
  }
  return { filters: values.size, values: [...values.values()].reduce((sum, n) => sum + n, 0) };
}

function writeRow(row: Int32Array, filter: Filter, firstValue: number): void {
  const { protocols = FLOW_PROTOCOLS, observationDomains, listeningPorts, agents } = filter;
  row.fill(0);
  row[FILTER.PROTOCOLS] = protocols.reduce((bits, name) => bits | bitOf(name), 0);
  row[FILTER.FIRST_VALUE] = firstValue;
  row[FILTER.DOMAINS] = observationDomains?.length ?? 0;
  row[FILTER.PORTS] = listeningPorts?.length ?? 0;
  row[FILTER.AGENTS] = agents?.length ?? 0;
}

function bitOf(protocol: FlowProtocol): number {
  return 1 << FLOW_PROTOCOLS.indexOf(protocol);
}

function valuesOf({ observationDomains = [], listeningPorts = [], agents = [] }: Filter) {
  const numbers = [...observationDomains, ...listeningPorts, ...agents.flatMap(numbersOf)];
  return Int32Array.from(numbers);
}

/** The 16-byte form of an address as numbers: not as memory shows them, but as packets do. */
function numbersOf({ octets }: Endpoint): number[] {
  const mapped = mappedOctets(octets);
  const view = new DataView(mapped.buffer, mapped.byteOffset, mapped.length);
  return Array.from({ length: AGENT_WORDS }, (_, i) => view.getInt32(i * 4));
}

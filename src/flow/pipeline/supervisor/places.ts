import { randomInt } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { MAX_PIPELINES } from '../config/schema.ts';

/** Where a pipeline is in rings, and whose its readers are: kept over restarts, so that the next control goes on there. */
export interface Place {
  readonly index: number;
  readonly owner: number;
}

const FILE = 'places.json';
const MAX_OWNER = 2 ** 47;

const kept = z.record(
  z.string(),
  z.strictObject({
    index: z
      .int()
      .min(0)
      .max(MAX_PIPELINES - 1),
    owner: z.int().min(1),
  }),
);

/** Gives each pipeline a place of its own. */
export class Places {
  readonly #file: string;
  #places: Map<string, Place>;

  /** @param folder where they are kept */
  constructor(folder: string) {
    this.#file = path.join(folder, FILE);
    this.#places = readPlaces(this.#file);
  }

  /**
   * Places for these pipelines and no others. One that is new, or was away, begins anew.
   *
   * @throws Error when they cannot be kept
   */
  assign(names: readonly string[]): ReadonlyMap<string, Place> {
    const known = names.flatMap((name) => {
      const place = this.#places.get(name);
      return place === undefined ? [] : [[name, place] as const];
    });
    const places = new Map(known);
    const taken = new Set(known.map(([, { index }]) => index));
    for (const name of names) {
      if (places.has(name)) continue;
      const index = firstFree(taken);
      taken.add(index);
      places.set(name, { index, owner: randomInt(1, MAX_OWNER) });
    }
    this.#places = places;
    this.#write();
    return places;
  }

  #write(): void {
    const fresh = `${this.#file}.new`;
    writeFileSync(fresh, `${JSON.stringify(Object.fromEntries(this.#places))}\n`, { mode: 0o600 });
    renameSync(fresh, this.#file);
  }
}

function firstFree(taken: ReadonlySet<number>): number {
  for (let index = 0; index < MAX_PIPELINES; index++) if (!taken.has(index)) return index;
  throw new RangeError(`there are more than ${MAX_PIPELINES} pipelines`);
}

/** A file that is not there or makes no sense holds none: pipelines begin anew. */
function readPlaces(file: string): Map<string, Place> {
  try {
    const places = kept.parse(JSON.parse(readFileSync(file, 'utf8')));
    const indexes = Object.values(places).map(({ index }) => index);
    return new Set(indexes).size === indexes.length ? new Map(Object.entries(places)) : new Map();
  } catch {
    return new Map();
  }
}

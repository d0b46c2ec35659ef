import { randomInt } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../../base/errors.ts';

const FILE = 'owners.json';
const MAX_OWNER = 2 ** 47;

const kept = z.record(z.string(), z.int().min(1).max(MAX_OWNER));

/**
 * A number for each pipeline, by which its readers know their places in rings: kept over restarts, so that the next
 * control's workers go on there. A pipeline that was away gets another one, and begins anew.
 */
export class Owners {
  readonly #file: string;
  #owners: Map<string, number>;

  /** @param folder where they are kept */
  constructor(folder: string) {
    this.#file = path.join(folder, FILE);
    this.#owners = read(this.#file);
  }

  /** Why they could not be kept the last time; undefined when they are. */
  problem: string | undefined;

  /** Owners of these pipelines; what is known of others is forgotten. */
  of(names: Iterable<string>): ReadonlyMap<string, number> {
    const owners = new Map<string, number>();
    for (const name of names) {
      owners.set(name, this.#owners.get(name) ?? randomInt(1, MAX_OWNER));
    }
    const isSame =
      owners.size === this.#owners.size &&
      [...owners].every(([name, owner]) => this.#owners.get(name) === owner);
    this.#owners = owners;
    if (!isSame) this.#keep();
    return owners;
  }

  /** A pipeline that comes back begins anew. */
  forget(name: string): void {
    if (this.#owners.delete(name)) this.#keep();
  }

  #keep(): void {
    try {
      this.#write();
      this.problem = undefined;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }

  #write(): void {
    const fresh = `${this.#file}.new`;
    writeFileSync(fresh, `${JSON.stringify(Object.fromEntries(this.#owners))}\n`, { mode: 0o600 });
    renameSync(fresh, this.#file);
  }
}

/** A file that is not there or makes no sense holds none: pipelines begin anew. */
function read(file: string): Map<string, number> {
  try {
    return new Map(Object.entries(kept.parse(JSON.parse(readFileSync(file, 'utf8')))));
  } catch {
    return new Map();
  }
}

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** More forwarders than any setting allows: an earlier control may have had more than this one. */
const MAX_FORWARDERS = 256;

/** Where forwarders of one listening address can be taken over: several services may share a folder. */
export class HandoverPaths {
  readonly folder: string;
  /** What forwarders there are: see forwarder-record.ts. */
  readonly record: string;
  readonly #prefix: string;

  /** @param listen as formatEndpoint() prints it */
  constructor(folder: string, listen: string) {
    this.folder = folder;
    this.#prefix = `floxy-${listen}`;
    this.record = join(folder, `${this.#prefix}.json`);
  }

  socket(index: number): string {
    return join(this.folder, `${this.#prefix}-${index}.sock`);
  }

  /** Sockets that are there, whoever made them. */
  existing(): readonly { readonly index: number; readonly path: string }[] {
    let names: ReadonlySet<string>;
    try {
      names = new Set(readdirSync(this.folder));
    } catch {
      return [];
    }
    return Array.from({ length: MAX_FORWARDERS }, (_, index) => ({
      index,
      path: this.socket(index),
    })).filter(({ index }) => names.has(`${this.#prefix}-${index}.sock`));
  }
}

import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { SocketAddress } from '../../config/config.ts';
import { formatSocketAddress, parseListenAddress } from '../../config/socket-address.ts';
import { readForwarderRecord } from './forwarder-record.ts';
import { HandoverPaths } from './handover-paths.ts';
import { overlap } from './overlap.ts';
import { networkNamespace } from './process-identity.ts';

/**
 * Where forwarders of an earlier control can be found. They have the name of one of its listening addresses, which need
 * not be one of ours any more: then its record says that it received where we do.
 */
export class HandoverPlaces {
  /** Where the forwarders of this control are. One of its addresses names them: no two services have the same. */
  readonly own: HandoverPaths;
  readonly #folder: string;
  readonly #listeners: readonly SocketAddress[];
  readonly #used = new Set<HandoverPaths>();

  /** @param listeners at least one */
  constructor(folder: string, listeners: readonly SocketAddress[]) {
    this.#folder = folder;
    this.#listeners = listeners;
    const [first = ''] = listeners.map(formatSocketAddress).sort();
    this.own = new HandoverPaths(folder, first);
  }

  all(): readonly HandoverPaths[] {
    const names = new Set([...this.#listeners.map(formatSocketAddress), ...this.#recorded()]);
    return [...names].map((name) => new HandoverPaths(this.#folder, name));
  }

  /** Forwarders were found there, which are about to end. */
  use(paths: HandoverPaths): void {
    if (paths.record !== this.own.record) this.#used.add(paths);
  }

  /** They have ended: nothing there means anything any more. */
  removeLeft(): void {
    for (const paths of this.#used) {
      for (const { path } of paths.existing()) remove(path);
      remove(paths.record);
    }
    this.#used.clear();
  }

  /** Names under which somebody has received what may be ours now. */
  #recorded(): string[] {
    return namesOfRecords(this.#folder).filter((name) => {
      const record = readForwarderRecord(join(this.#folder, `floxy-${name}.json`));
      if (record?.network === undefined || record.network !== networkNamespace()) return false;
      const addresses = (record.listeners ?? []).flatMap((text) => parseListenAddress(text) ?? []);
      const isOurs = (other: SocketAddress) => this.#listeners.some((own) => overlap(own, other));
      return addresses.some(isOurs);
    });
  }
}

function namesOfRecords(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((file) => /^floxy-(.+)\.json$/.exec(file)?.[1] ?? []);
  } catch {
    return [];
  }
}

export function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody has removed it: all the same.
  }
}

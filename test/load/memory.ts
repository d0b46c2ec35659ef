/** What processes hold: memory and descriptors. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Holdings {
  /** Resident memory, and its share of what several processes have in common, in bytes. */
  readonly rssBytes: number;
  readonly pssBytes: number;
  readonly descriptors: number;
}

/** @throws Error ENOENT when the process has ended */
export function holdingsOf(pid: number): Holdings {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) * 1024;
  return {
    rssBytes: bytes('Rss'),
    pssBytes: bytes('Pss'),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

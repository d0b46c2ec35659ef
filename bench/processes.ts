import { readdirSync, readFileSync } from 'node:fs';

/** Memory of a process in bytes. */
export interface ProcessMemory {
  readonly pid: number;
  /** Resident, what is shared with others counted whole. */
  readonly rssBytes: number;
  /** Resident, what is shared counted by its share: these can be added up. */
  readonly pssBytes: number;
}

/** The processes started by a process, and theirs. */
export function descendantsOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

export function memoryOf(pid: number): ProcessMemory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { pid, rssBytes: bytes('Rss'), pssBytes: bytes('Pss') };
}

/** Whether a process's network namespace has a UDP socket bound to the port. */
export function hasUdpPort(pid: number, port: number): boolean {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  return ['udp', 'udp6'].some((file) =>
    readFileSync(`/proc/${pid}/net/${file}`, 'utf8').includes(`:${hexadecimal} `),
  );
}

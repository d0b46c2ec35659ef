import { readdirSync, readFileSync } from 'node:fs';
import { holdingsOf } from '../test/load/memory.ts';

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
  const { rssBytes, pssBytes } = holdingsOf(pid);
  return { pid, rssBytes, pssBytes };
}

/** Whether a process's network namespace has a UDP socket bound to the port. */
export function hasUdpPort(pid: number, port: number): boolean {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  return ['udp', 'udp6'].some((file) =>
    readFileSync(`/proc/${pid}/net/${file}`, 'utf8').includes(`:${hexadecimal} `),
  );
}

/** Packets that the kernel dropped because the socket that is bound to the port was full. */
export function udpDropsOf(pid: number, port: number): number {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = ['udp', 'udp6'].flatMap((file) =>
    readFileSync(`/proc/${pid}/net/${file}`, 'utf8').split('\n'),
  );
  const line = lines.find((one) => one.includes(`:${hexadecimal} `));
  return Number(line?.trim().split(/\s+/).at(-1) ?? 0);
}

import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import { hasProcessEnded, openProcess } from '../../native/processes.ts';

/** A process, told apart from every other that had or gets its number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks after the boot: field 22 of /proc/PID/stat (proc(5)). */
  readonly start: number;
}

/** @returns undefined when there is no such process */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, field 2, is in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const start = Number(fields[22 - 3]);
    return Number.isSafeInteger(start) ? { pid, start } : undefined;
  } catch {
    return undefined;
  }
}

/** @returns a descriptor of the process (native/processes.ts), or undefined when it has ended */
export function openIdentified({ pid, start }: ProcessIdentity): number | undefined {
  const pidfd = openProcess(pid);
  if (pidfd === undefined) return undefined;
  // Looked at after it was opened: it is this process then, or none any more.
  if (identifyProcess(pid)?.start === start && !hasProcessEnded(pidfd)) return pidfd;
  closeSync(pidfd);
  return undefined;
}

/** Changes with each start of the host. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** The network namespace of this process, which no other has at the same time; undefined when it is not told. */
export function networkNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/net');
  } catch {
    return undefined;
  }
}

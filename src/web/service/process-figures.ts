/** What the kernel tells of a process (proc(5)). */
import { readdir, readFile, stat } from 'node:fs/promises';

export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly threads: number;
  /** Since 1970. */
  readonly startSeconds: number;
  /** Its share of memory that several processes have; undefined where the kernel does not tell us. */
  readonly proportionalBytes: number | undefined;
  readonly openFds: number | undefined;
  readonly maxFds: number | undefined;
}

/** USER_HZ: the same on all machines that Node.js runs on. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;

/** Numbers of fields of /proc/PID/stat. */
const STAT = { utime: 14, stime: 15, starttime: 22 } as const;
/** The first one behind the name, which may have blanks and brackets. */
const FIRST_FIELD = 3;

/** @returns undefined when there is no such process */
export async function readProcess(pid: number | 'self'): Promise<ProcessFigures | undefined> {
  const folder = `/proc/${pid}`;
  const [line, status, memory, limits, boot, openFds] = await Promise.all([
    readIfAllowed(`${folder}/stat`),
    readIfAllowed(`${folder}/status`),
    // Other processes' only with the same user, or the right to trace them.
    readIfAllowed(`${folder}/smaps_rollup`),
    readIfAllowed(`${folder}/limits`),
    readIfAllowed('/proc/stat'),
    countDescriptors(`${folder}/fd`),
  ]);
  if (line === undefined || status === undefined) return undefined;
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const ticks = (field: number) => Number(fields[field - FIRST_FIELD]);
  return {
    cpuSeconds: (ticks(STAT.utime) + ticks(STAT.stime)) / TICKS_PER_SECOND,
    residentBytes: (find(/^VmRSS:\s+(\d+) kB$/m, status) ?? 0) * KIB,
    threads: find(/^Threads:\s+(\d+)$/m, status) ?? 0,
    startSeconds: (find(/^btime (\d+)$/m, boot) ?? 0) + ticks(STAT.starttime) / TICKS_PER_SECOND,
    proportionalBytes: scaled(find(/^Pss:\s+(\d+) kB$/m, memory), KIB),
    openFds,
    maxFds: find(/^Max open files\s+(\d+)/m, limits),
  };
}

async function readIfAllowed(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(() => undefined);
}

/** Since Linux 6.2 the size of the folder is their number, and everybody may know it. */
async function countDescriptors(folder: string): Promise<number | undefined> {
  const size = await stat(folder).then(
    (stats) => stats.size,
    () => undefined,
  );
  if (size !== 0) return size;
  return await readdir(folder).then(
    (names) => names.length,
    () => undefined,
  );
}

function find(pattern: RegExp, text: string | undefined): number | undefined {
  const found = pattern.exec(text ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

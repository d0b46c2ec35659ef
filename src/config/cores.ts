import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';

/** Where the number of cores is read from. */
export interface CoreSources {
  /** The text of a file of /proc or /sys, or undefined when it cannot be read. */
  readText(file: string): string | undefined;
  onlineCores(): number;
}

const HOST: CoreSources = { readText: readTextFile, onlineCores: () => cpus().length };

/**
 * How many cores this process may keep busy, at least 1: the cores that are online, limited by CPU affinity,
 * cpuset and the CPU quotas of all its control groups (version 1 and 2). A quota of 1.5 cores counts as 2.
 *
 * os.availableParallelism() of Node 24 does not do: it rounds quotas down, and misses those of version 1 on
 * hosts that have both versions.
 */
export function countAvailableCores(sources: CoreSources = HOST): number {
  const limits = [sources.onlineCores(), allowedCores(sources), Math.ceil(quotaCores(sources))];
  return Math.max(1, Math.min(...limits));
}

/** The size of the affinity mask, which the kernel keeps within the cpuset. */
function allowedCores(sources: CoreSources): number {
  const status = sources.readText('/proc/self/status') ?? '';
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  if (list === undefined) return Number.POSITIVE_INFINITY;
  return list.split(',').reduce((sum, range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}

/** The smallest CPU quota that applies, in cores; infinite without one. */
function quotaCores(sources: CoreSources): number {
  const groups = groupPaths(sources);
  const quotas = mountedHierarchies(sources).flatMap((hierarchy) => {
    const group = hierarchy.version === 2 ? groups.unified : groups.cpu;
    return group === undefined ? [] : groupFolders(hierarchy, group).map(hierarchy.readQuota);
  });
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

interface Hierarchy {
  readonly version: 1 | 2;
  /** The control group that is mounted; not `/` in a container without a cgroup namespace. */
  readonly root: string;
  readonly mountPoint: string;
  /** The quota of one folder in cores. */
  readonly readQuota: (folder: string) => number;
}

function mountedHierarchies(sources: CoreSources): Hierarchy[] {
  const lines = (sources.readText('/proc/self/mountinfo') ?? '').split('\n');
  return lines.flatMap((line): Hierarchy[] => {
    const [mount = '', fileSystem = ''] = line.split(' - ');
    const [, , , root = '', mountPoint = ''] = mount.split(' ');
    const [type, , options = ''] = fileSystem.split(' ');
    if (type === 'cgroup2') {
      return [{ version: 2, root, mountPoint, readQuota: (f) => readQuotaV2(sources, f) }];
    }
    const isCpu = type === 'cgroup' && options.split(',').includes('cpu');
    return isCpu
      ? [{ version: 1, root, mountPoint, readQuota: (f) => readQuotaV1(sources, f) }]
      : [];
  });
}

/** The control groups of this process: of version 2, and of the cpu controller of version 1. */
function groupPaths(sources: CoreSources): { unified?: string; cpu?: string } {
  const paths: { unified?: string; cpu?: string } = {};
  for (const line of (sources.readText('/proc/self/cgroup') ?? '').split('\n')) {
    const [, id, controllers, group] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (group === undefined) continue;
    if (id === '0') paths.unified = group;
    else if (controllers?.split(',').includes('cpu')) paths.cpu = group;
  }
  return paths;
}

/** The folders from the group up to the mount point: a quota of any of them holds. */
function groupFolders({ root, mountPoint }: Hierarchy, group: string): string[] {
  const inside = root !== '/' && group.startsWith(root) ? group.slice(root.length) : group;
  const folders = [mountPoint];
  for (const part of inside.split('/').filter((name) => name !== '' && name !== '..')) {
    folders.push(path.join(folders.at(-1) ?? mountPoint, part));
  }
  return folders;
}

/** cpu.max: `max 100000`, or quota and period in microseconds. */
function readQuotaV2(sources: CoreSources, folder: string): number {
  const [quota, period] = (sources.readText(`${folder}/cpu.max`) ?? '').trim().split(' ');
  return ratio(Number(quota), Number(period));
}

/** A quota of -1 means none. */
function readQuotaV1(sources: CoreSources, folder: string): number {
  const quota = Number(sources.readText(`${folder}/cpu.cfs_quota_us`) ?? -1);
  return ratio(quota, Number(sources.readText(`${folder}/cpu.cfs_period_us`) ?? 0));
}

function ratio(quota: number, period: number): number {
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}

function readTextFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

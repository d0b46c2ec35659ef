import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** With these, systemd starts a service again that has ended with status 0 (systemd.service(5)). */
const RESTARTING = ['always', 'on-success'];

/** Where to look; other than this host's in tests. */
export interface ManagerSources {
  /** /proc */
  readonly proc: string;
  /** The property Restart= of a unit; undefined when systemd does not answer. */
  readonly restartOf: (unit: string) => string | undefined;
}

const HOST: ManagerSources = { proc: '/proc', restartOf: askSystemd };

/**
 * Why nobody would start the process again when it ends, as far as that can be seen.
 *
 * @returns undefined when systemd does
 */
export function restartObstacle(pid: number, sources = HOST): string | undefined {
  const unit = unitOf(pid, sources);
  if (unit === undefined) {
    return `it is no service of systemd; its parent is \`${parentOf(pid, sources)}\``;
  }
  const restart = sources.restartOf(unit);
  if (restart === undefined || RESTARTING.includes(restart)) return undefined;
  return `its unit ${unit} has Restart=${restart}, not Restart=always`;
}

/** The service whose first process it is. What runs in a session is in a scope, what a service forked has a parent. */
function unitOf(pid: number, { proc }: ManagerSources): string | undefined {
  const groups = read(path.join(proc, `${pid}/cgroup`)).split('\n');
  const unit = groups.map((line) => /\/([^/:]+\.service)$/.exec(line)?.[1]).find(Boolean);
  const parent = Number(statusField(pid, 'PPid', proc));
  const isManaged = parent === 1 || statusField(parent, 'Name', proc) === 'systemd';
  return isManaged ? unit : undefined;
}

function parentOf(pid: number, { proc }: ManagerSources): string {
  const parent = statusField(pid, 'PPid', proc);
  return statusField(Number(parent), 'Name', proc) ?? `process ${parent}`;
}

function statusField(pid: number, name: string, proc: string): string | undefined {
  const status = read(path.join(proc, `${pid}/status`));
  return new RegExp(`^${name}:\\s*(.+)$`, 'm').exec(status)?.[1];
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function askSystemd(unit: string): string | undefined {
  const command = ['show', '--property=Restart', '--value', unit];
  const { status, stdout } = spawnSync('systemctl', command, { encoding: 'utf8', timeout: 5000 });
  const restart = stdout?.trim();
  return status === 0 && restart ? restart : undefined;
}

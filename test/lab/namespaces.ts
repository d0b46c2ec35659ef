/**
 * Network namespaces whose names carry the pid of the test: those of a test that was killed are removed when the
 * next one starts.
 */
import { readdirSync } from 'node:fs';
import { attempt, isAlive, run, waitFor } from './shell.ts';

export async function addNamespaces(names: readonly string[]): Promise<void> {
  await run(['ip', '-batch', '-'], names.map((name) => `netns add ${name}`).join('\n'));
}

/** Removes a namespace and every process in it. Never fails when there is none. */
export async function removeNamespace(name: string): Promise<void> {
  if (!namespaceNames().includes(name)) return;
  await waitFor(`no process is left in ${name}`, async () => {
    const pids = await pidsIn(name);
    for (const pid of pids) kill(pid);
    return pids.length === 0;
  });
  await attempt(['ip', 'netns', 'delete', name]);
}

/** Removes the namespaces of tests that are no longer alive. @param pattern its first group is the pid */
export async function sweepNamespaces(pattern: RegExp): Promise<void> {
  for (const name of namespaceNames()) {
    const pid = pattern.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await removeNamespace(name);
  }
}

/** Runs `ip` commands in a namespace, all in one process. */
export async function ip(namespace: string, commands: readonly string[]): Promise<void> {
  await run(['ip', '-n', namespace, '-batch', '-'], commands.join('\n'));
}

/** Sets kernel parameters, each `name=value`, in a namespace. */
export async function setKernelSwitches(
  namespace: string,
  values: readonly string[],
): Promise<void> {
  await run(['ip', 'netns', 'exec', namespace, 'sysctl', '-qw', ...values]);
}

export async function pidsIn(namespace: string): Promise<number[]> {
  const { stdout } = await attempt(['ip', 'netns', 'pids', namespace]);
  return stdout.split('\n').filter(Boolean).map(Number);
}

/** Another test may sweep at the same time: whoever comes second finds nothing left to do. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function namespaceNames(): string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return []; // the folder comes with the first namespace
  }
}

/**
 * The machine, as far as load tests have to share it: they take turns, and they find out what it can do
 * before they ask for a share of it.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../lab/shell.ts';

/** Of an abstract socket: the kernel frees it with the process, however that ends. */
const NAME = '\0floxy-load-tests';
const RETRY_MS = 100;

/** Waits until no other test file puts load on the machine, and keeps others from it until disposed. */
export async function takeTurn(): Promise<AsyncDisposable> {
  for (;;) {
    const server = createServer();
    server.listen(NAME);
    const failure = await once(server, 'listening').catch((error: NodeJS.ErrnoException) => error);
    if (!(failure instanceof Error)) return { [Symbol.asyncDispose]: () => close(server) };
    if ((failure as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw failure;
    await delay(RETRY_MS);
  }
}

/** Cores this process may use. */
export function allowedCores(): number[] {
  const text = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(text)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Confines all threads of a process, and what it starts from now on, to these cores. */
export async function confine(pid: number, cores: readonly number[]): Promise<void> {
  await run(['taskset', '--all-tasks', '--cpu-list', '--pid', cores.join(), `${pid}`]);
}

/** Has a core receive what comes by a link of a namespace (receive packet steering); without one, whichever gets it. */
export async function receiveOn(namespace: string, link: string, core?: number): Promise<void> {
  const mask = core === undefined ? 0 : 2 ** core;
  const file = `/sys/class/net/${link}/queues/rx-0/rps_cpus`;
  const write = ['sh', '-c', `echo ${mask.toString(16)} > ${file}`];
  await run(['ip', 'netns', 'exec', namespace, ...write]);
}

/**
 * Keeps this process, and what it starts until disposed, from the last core.
 *
 * @returns that core
 * @throws Error when there is only one
 */
export async function keepCoreFree(): Promise<AsyncDisposable & { readonly core: number }> {
  const cores = allowedCores();
  const core = cores.at(-1);
  if (core === undefined || cores.length < 2) throw new Error('needs two cores');
  await confine(process.pid, cores.slice(0, -1));
  return { core, [Symbol.asyncDispose]: () => confine(process.pid, cores) };
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

import type { Start } from './contestants/contestant.ts';
import { run } from './shell.ts';
import { INPUT_INTERFACE } from './topology.ts';

/** Has the proxy core receive what comes in, by receive packet steering. Undone when disposed of. */
export async function steerToProxy({ path, cores }: Start): Promise<AsyncDisposable> {
  const steer = async (mask: number) => {
    const target = `/sys/class/net/${INPUT_INTERFACE}/queues/rx-0/rps_cpus`;
    const write = ['sh', '-c', `echo ${mask.toString(16)} > ${target}`];
    await run('ip', ['netns', 'exec', path.namespace, ...write]);
  };
  await steer(2 ** cores.proxy);
  return { [Symbol.asyncDispose]: () => steer(0) };
}

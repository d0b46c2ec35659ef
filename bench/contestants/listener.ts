import { hasUdpPort } from '../processes.ts';
import { inNamespace, Service, waitFor } from '../shell.ts';
import { FLOW_PORT } from '../topology.ts';
import type { Running, Start } from './contestant.ts';

/** Starts a forwarder that is one process on the proxy's core and ready when it listens. */
export async function startListener(
  { path, cores }: Start,
  command: readonly string[],
): Promise<Running> {
  const service = new Service(inNamespace(path.namespace, cores.proxy, command));
  try {
    await waitFor(`${command[0]} to listen`, () => {
      service.assertRunning();
      return hasUdpPort(service.pid, FLOW_PORT);
    });
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
  return {
    forwarders: [service.pid],
    processes: [service.pid],
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { descendantsOf, hasUdpPort } from '../processes.ts';
import { inNamespace, Service, waitFor } from '../shell.ts';
import { collectorAddresses, FLOW_PORT } from '../topology.ts';
import { type Contestant, collectorFamily, type Running, type Start } from './contestant.ts';

const SOCKET_BUFFER_BYTES = 32 * 1024 ** 2;

export const pmacct: Contestant = {
  name: 'pmacct',
  description:
    'nfacctd with the tee plugin, tee_transparent; its two processes share the proxy core; one pool of receivers, no rules',
  debianPackage: { name: 'pmacct', command: 'nfacctd' },
  start: startPmacct,
};

async function startPmacct({ path: at, scenario, cores, folder }: Start): Promise<Running> {
  const receivers = path.join(folder, 'receivers.lst');
  const settings = path.join(folder, 'nfacctd.conf');
  const addresses = collectorAddresses(collectorFamily(scenario), scenario.copies).map((host) =>
    host.includes(':') ? `[${host}]:${FLOW_PORT}` : `${host}:${FLOW_PORT}`,
  );
  await writeFile(receivers, `id=1 ip=${addresses.join(',')}\n`);
  const lines = [
    'daemonize: false',
    `nfacctd_port: ${FLOW_PORT}`,
    `nfacctd_pipe_size: ${SOCKET_BUFFER_BYTES}`,
    'plugins: tee[copies]',
    `tee_receivers[copies]: ${receivers}`,
    'tee_transparent: true',
    `tee_pipe_size[copies]: ${SOCKET_BUFFER_BYTES}`,
    'plugin_pipe_size[copies]: 33554432',
    'plugin_buffer_size[copies]: 131072',
  ];
  await writeFile(settings, `${lines.join('\n')}\n`);
  const command = inNamespace(at.namespace, cores.proxy, ['nfacctd', '-f', settings]);
  const service = new Service(command);
  try {
    await waitFor('nfacctd to listen', () => {
      service.assertRunning();
      return hasUdpPort(service.pid, FLOW_PORT) && descendantsOf(service.pid).length > 0;
    });
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
  const pids = [service.pid, ...descendantsOf(service.pid)];
  return {
    forwarders: pids,
    processes: pids,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

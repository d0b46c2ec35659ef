/** Collectors from Debian, in C: from a socket on, as they are used. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freeUdpPort } from '../../test/support/free-port.ts';
import { descendantsOf, hasUdpPort, udpDropsOf } from '../processes.ts';
import { isInstalled, Service, waitFor } from '../shell.ts';
import {
  type Measurement,
  type MeasurementContext,
  type Prepared,
  Unavailable,
  type Work,
} from './measurement.ts';
import { FlowSender } from './sender.ts';
import { type FlowTraffic, v9Traffic } from './traffic.ts';
import { cpuSecondsOf, cpuSecondsUntilEnd, untilIdle } from './usage.ts';

const BUFFER_BYTES = 32 * 1024 ** 2;
const DATAGRAMS = 4096;
const WARM_UP_MS = 1000;

interface Rival {
  /** Processes that it starts. */
  readonly children: number;
  /** @param folder of this turn */
  command(port: number, folder: string): Promise<readonly string[]>;
}

const nfcapd: Rival = {
  children: 0,
  command: async (port, folder) => [
    'nfcapd',
    '-b',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-w',
    folder,
    '-t',
    '3600',
    '-B',
    `${BUFFER_BYTES}`,
  ],
};

const NFACCTD_FIELDS =
  'src_host,dst_host,src_port,dst_port,proto,tos,tcpflags,src_as,dst_as,src_mask,dst_mask,in_iface,out_iface,peer_src_ip,peer_dst_ip,timestamp_start,timestamp_end,sampling_rate';

const nfacctd: Rival = {
  children: 1,
  command: async (port, folder) => {
    const settings = path.join(folder, 'nfacctd.conf');
    const lines = [
      'daemonize: false',
      'nfacctd_ip: 127.0.0.1',
      `nfacctd_port: ${port}`,
      `nfacctd_pipe_size: ${BUFFER_BYTES}`,
      'plugins: print[all]',
      `aggregate[all]: ${NFACCTD_FIELDS}`,
      'print_output[all]: json',
      `print_output_file[all]: ${path.join(folder, 'flows.json')}`,
      'print_refresh_time[all]: 3600',
      'print_cache_entries[all]: 65537',
      'plugin_pipe_size: 134217728',
      'plugin_buffer_size: 131072',
    ];
    await writeFile(settings, `${lines.join('\n')}\n`);
    return ['nfacctd', '-f', settings];
  },
};

export const rivals: readonly Measurement[] = [
  {
    id: 'rivals/nfcapd',
    description:
      'nfcapd: NetFlow v9, 22 records of 21 fields a datagram, from a socket to its file',
    unit: 'records',
    prepare: prepareNfcapd,
  },
  {
    id: 'rivals/nfacctd json',
    description:
      'nfacctd: the same from a socket to JSON in a file, every flow a line of its own (print plugin)',
    unit: 'records',
    prepare: prepareNfacctd,
  },
];

/** It stays for all turns, as it does in use. What it has read is in its file, but for the last block. */
async function prepareNfcapd(context: MeasurementContext): Promise<Prepared> {
  if (!(await isInstalled('nfcapd'))) throw new Unavailable('install nfdump');
  await using resources = new AsyncDisposableStack();
  const port = await freeUdpPort();
  const service = resources.use(await startRival(nfcapd, port, context.folder, context.core));
  const traffic = v9Traffic(DATAGRAMS);
  const sender = resources.use(await FlowSender.start(traffic, { port, core: context.otherCore }));
  const pids = [service.pid];
  await sender.send(WARM_UP_MS);
  await untilIdle(pids);
  const ready = resources.move();
  return {
    run: async (milliseconds) => {
      const before = cpuSecondsOf(pids);
      const { datagrams } = await sender.send(milliseconds);
      await untilIdle(pids);
      const cpuSeconds = cpuSecondsOf(pids) - before;
      const lost = udpDropsOf(service.pid, port) * traffic.recordsEach;
      return { count: datagrams * traffic.recordsEach, cpuSeconds, figures: { lost } };
    },
    [Symbol.asyncDispose]: () => ready.disposeAsync(),
  };
}

/** It adds up what is the same, so every datagram is sent to it once; it writes when it ends, which is counted. */
async function prepareNfacctd(context: MeasurementContext): Promise<Prepared> {
  if (!(await isInstalled('nfacctd'))) throw new Unavailable('install pmacct');
  const traffic = v9Traffic(DATAGRAMS);
  return { run: () => runNfacctd(traffic, context) };
}

async function runNfacctd(traffic: FlowTraffic, context: MeasurementContext): Promise<Work> {
  const folder = await mkdtemp(path.join(context.folder, 'turn-'));
  const port = await freeUdpPort();
  await using service = await startRival(nfacctd, port, folder, context.core);
  await using sender = await FlowSender.start(traffic, { port, core: context.otherCore });
  const pids = [service.pid, ...descendantsOf(service.pid)];
  await untilIdle(pids);
  const before = cpuSecondsOf(pids);
  await sender.send('once');
  await untilIdle(pids);
  const end = () => service.process.kill('SIGINT');
  const cpuSeconds = (await cpuSecondsUntilEnd(pids, end)) - before;
  const text = await readFile(path.join(folder, 'flows.json'), 'latin1');
  await rm(folder, { recursive: true, force: true });
  return { count: text.split('\n').length - 1, cpuSeconds };
}

async function startRival(
  rival: Rival,
  port: number,
  folder: string,
  core: number,
): Promise<Service> {
  const command = await rival.command(port, folder);
  const service = new Service(['taskset', '-c', `${core}`, ...command]);
  try {
    await waitFor('it to listen', () => {
      service.assertRunning();
      const hasStarted = descendantsOf(service.pid).length >= rival.children;
      return hasStarted && hasUdpPort(service.pid, port);
    });
    return service;
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
}

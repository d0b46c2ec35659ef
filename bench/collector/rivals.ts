/** Collectors from Debian, in C: from a socket on, as they are used. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freeUdpPort } from '../../test/support/free-port.ts';
import { descendantsOf, hasUdpPort } from '../processes.ts';
import { isInstalled, run, Service, waitFor } from '../shell.ts';
import {
  type Measurement,
  type MeasurementContext,
  type Prepared,
  Unavailable,
  type Work,
} from './measurement.ts';
import { sendFlows } from './sender.ts';
import { type FlowTraffic, v9Traffic } from './traffic.ts';
import { cpuSecondsOf, cpuSecondsUntilEnd, untilIdle } from './usage.ts';

const BUFFER_BYTES = 32 * 1024 ** 2;
const DATAGRAMS = 4096;

interface Rival {
  /** It adds up what is the same: every datagram is sent to it once, however long that takes. */
  readonly addsUp: boolean;
  /** Processes that it starts. */
  readonly children: number;
  /** @param folder of this turn */
  command(port: number, folder: string): Promise<readonly string[]>;
  /** Flows that it has kept, once it has ended. */
  countFlows(folder: string): Promise<number>;
}

const nfcapd: Rival = {
  addsUp: false,
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
  countFlows: async (folder) => {
    const info = await run('nfdump', ['-q', '-I', '-R', folder]);
    return Number(/^Flows:\s*(\d+)/m.exec(info)?.[1] ?? 0);
  },
};

const NFACCTD_FIELDS =
  'src_host,dst_host,src_port,dst_port,proto,tos,tcpflags,src_as,dst_as,src_mask,dst_mask,in_iface,out_iface,peer_src_ip,peer_dst_ip,timestamp_start,timestamp_end,sampling_rate';

const nfacctd: Rival = {
  addsUp: true,
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
  countFlows: async (folder) => {
    const text = await readFile(path.join(folder, 'flows.json'), 'latin1');
    return text.split('\n').length - 1;
  },
};

export const rivals: readonly Measurement[] = [
  {
    id: 'rivals/nfcapd',
    description:
      'nfcapd: NetFlow v9, 22 records of 21 fields a datagram, from a socket to its file',
    unit: 'records',
    prepare: (context) => prepareRival('nfcapd', 'nfdump', nfcapd, context),
  },
  {
    id: 'rivals/nfacctd json',
    description:
      'nfacctd: the same from a socket to JSON in a file, every flow a line of its own (print plugin)',
    unit: 'records',
    prepare: (context) => prepareRival('nfacctd', 'pmacct', nfacctd, context),
  },
];

async function prepareRival(
  command: string,
  debianPackage: string,
  rival: Rival,
  context: MeasurementContext,
): Promise<Prepared> {
  if (!(await isInstalled(command))) throw new Unavailable(`install ${debianPackage}`);
  const traffic = v9Traffic(DATAGRAMS);
  return { run: (milliseconds) => runRival(rival, traffic, milliseconds, context) };
}

async function runRival(
  rival: Rival,
  traffic: FlowTraffic,
  milliseconds: number,
  context: MeasurementContext,
): Promise<Work> {
  const folder = await mkdtemp(path.join(context.folder, 'turn-'));
  const port = await freeUdpPort();
  const pinned = ['taskset', '-c', `${context.core}`, ...(await rival.command(port, folder))];
  const service = new Service(pinned);
  let cpuSeconds = 0;
  try {
    await waitFor('it to listen', () => {
      service.assertRunning();
      const hasStarted = descendantsOf(service.pid).length >= rival.children;
      return hasStarted && hasUdpPort(service.pid, port);
    });
    const pids = [service.pid, ...descendantsOf(service.pid)];
    await untilIdle(pids);
    const before = cpuSecondsOf(pids);
    await sendFlows(traffic, port, rival.addsUp ? 'once' : milliseconds);
    await untilIdle(pids);
    // Ending is part of the work: what is in memory is written then.
    const end = () => service.process.kill('SIGINT');
    cpuSeconds = (await cpuSecondsUntilEnd(pids, end)) - before;
  } finally {
    await service[Symbol.asyncDispose]();
  }
  const count = await rival.countFlows(folder);
  await rm(folder, { recursive: true, force: true });
  return { count, cpuSeconds };
}

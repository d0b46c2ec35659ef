import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Programs that make flow datagrams of a capture of traffic. */
export interface FlowExporter {
  readonly name: string;
  readonly program: 'softflowd' | 'pmacctd';
  /** @param folder of its own, with the capture in it */
  readonly start: (folder: string, capture: string, port: number) => Promise<ChildProcess>;
}

/** Why tests with a program are skipped; false when it is there. */
export function missing(program: string): string | false {
  return spawnSync('which', [program]).status !== 0 && `${program} is not installed`;
}

function softflowd(version: 5 | 9 | 10): FlowExporter {
  return {
    name: `softflowd, version ${version}`,
    program: 'softflowd',
    start: async (folder, capture, port) => {
      // Without "none" it may wait for a control connection that never comes when it reads a file.
      const own = ['-p', join(folder, 'pid'), '-c', 'none'];
      const to = ['-n', `127.0.0.1:${port}`, '-v', String(version)];
      return spawn('softflowd', ['-d', '-r', capture, ...to, ...own], { stdio: 'ignore' });
    },
  };
}

function pmacctd(plugin: string, lines: (port: number) => readonly string[]): FlowExporter {
  return {
    name: `pmacctd, ${plugin}`,
    program: 'pmacctd',
    start: async (folder, capture, port) => {
      const file = join(folder, 'pmacctd.conf');
      const config = ['daemonize: false', `pcap_savefile: ${capture}`, ...lines(port)];
      await writeFile(file, `${config.join('\n')}\n`);
      return spawn('pmacctd', ['-f', file], { stdio: 'ignore' });
    },
  };
}

function nfprobe(version: 9 | 10): FlowExporter {
  return pmacctd(`nfprobe, version ${version}`, (port) => [
    'plugins: nfprobe[a]',
    `nfprobe_receiver[a]: 127.0.0.1:${port}`,
    `nfprobe_version[a]: ${version}`,
    'aggregate[a]: src_host,dst_host,src_port,dst_port,proto,tos',
  ]);
}

export const SOFTFLOWD = [softflowd(5), softflowd(9), softflowd(10)];
export const NFPROBE = [nfprobe(9), nfprobe(10)];
export const SFPROBE = pmacctd('sfprobe', (port) => [
  'plugins: sfprobe[a]',
  `sfprobe_receiver[a]: 127.0.0.1:${port}`,
  'sampling_rate: 1',
]);

/** Octets that the kernel keeps for us while we are busy. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** Runs an exporter over a capture. @returns the datagrams that it sent, in their order */
export async function exported(
  exporter: FlowExporter,
  folder: string,
  traffic: Buffer,
): Promise<Uint8Array[]> {
  const capture = join(folder, 'traffic.pcap');
  await writeFile(capture, traffic);
  const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER });
  const datagrams: Uint8Array[] = [];
  socket.on('message', (datagram) => datagrams.push(datagram));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  try {
    const child = await exporter.start(folder, capture, socket.address().port);
    // Its status says nothing: pmacctd has one of 1 now and then, although all was sent.
    await once(child, 'exit');
    // What it sent is in the socket when it has ended: two turns read it.
    for (let before = -1; before < datagrams.length; await sleep(50)) before = datagrams.length;
    return datagrams;
  } finally {
    socket.close();
  }
}

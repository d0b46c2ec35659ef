import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { waitFor } from '../lab/shell.ts';
import { freeUdpPort } from './free-port.ts';
import type { Flow } from './traffic-capture.ts';

const run = promisify(execFile);

/** What nfcapd has of datagrams, as nfdump prints it. @param folder of its own */
export async function nfcapdFlows(
  folder: string,
  datagrams: readonly Uint8Array[],
): Promise<(Omit<Flow, 'protocol'> & { readonly protocol: number })[]> {
  const port = await freeUdpPort();
  const at = ['-4', '-b', '127.0.0.1', '-p', String(port)];
  const child = spawn('nfcapd', [...at, '-w', folder, '-t', '3600'], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  try {
    await waitFor('nfcapd listens', async () => (await waiting(port)) === 0);
    const socket = createSocket('udp4');
    for (const datagram of datagrams) {
      await new Promise((sent) => socket.send(datagram, port, '127.0.0.1', sent));
    }
    socket.close();
    await waitFor('nfcapd has read all', async () => (await waiting(port)) === 0);
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
  const format = 'fmt:%pr,%sa,%sp,%da,%dp,%pkt,%byt';
  const { stdout } = await run('nfdump', ['-R', folder, '-q', '-N', '-6', '-o', format]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [protocol, source, sourcePort, destination, destinationPort, packets, bytes] = line
        .split(',')
        .map((cell) => cell.trim()) as [string, string, string, string, string, string, string];
      return {
        protocol: Number(protocol),
        source,
        sourcePort: Number(sourcePort),
        destination,
        destinationPort: Number(destinationPort),
        packets: Number(packets),
        bytes: Number(bytes),
      };
    });
}

/** Octets that a UDP socket of 127.0.0.1 has not read yet; undefined while there is none. */
async function waiting(port: number): Promise<number | undefined> {
  const hex = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await readFile('/proc/net/udp', 'utf8')).split('\n');
  const queues = lines
    .find((line) => line.includes(` ${hex} `))
    ?.match(/[0-9A-F]+:([0-9A-F]{8}) 00:/);
  return queues ? Number.parseInt(queues[1] as string, 16) : undefined;
}

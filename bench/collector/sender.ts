import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { FlowTraffic } from './traffic.ts';

const BURST = 64;
/**
 * A quarter of what receivers get when they ask for a large buffer: more than this in it, and the sender waits. Bursts are
 * counted by the kernel with more octets than they have.
 */
const FULL_BYTES = Number(readFileSync('/proc/sys/net/core/rmem_max', 'latin1')) / 4;

/**
 * Sends flow to a port of 127.0.0.1, as fast as it is taken from the socket, so that nothing is lost.
 *
 * @param limit until all has been sent once, or for so many milliseconds, over and over
 * @returns the datagrams sent, without that of the template
 */
export async function sendFlows(
  { template, data }: FlowTraffic,
  port: number,
  limit: 'once' | number,
): Promise<number> {
  const socket = createSocket('udp4');
  try {
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    await send(socket, template);
    const end = limit === 'once' ? 0 : performance.now() + limit;
    let sent = 0;
    do {
      for (let i = 0; i < data.length; i += BURST) {
        const burst = data.slice(i, i + BURST);
        await waitForRoom(port, FULL_BYTES);
        await sendAll(socket, burst);
        sent += burst.length;
        if (limit !== 'once' && performance.now() >= end) break;
      }
    } while (performance.now() < end);
    await waitForRoom(port, 0);
    return sent;
  } finally {
    socket.close();
  }
}

function send(socket: Socket, datagram: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(datagram, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** They leave in their order: when the last one has, all have. */
async function sendAll(socket: Socket, datagrams: readonly Buffer[]): Promise<void> {
  for (const datagram of datagrams.slice(0, -1)) socket.send(datagram);
  const last = datagrams.at(-1);
  if (last !== undefined) await send(socket, last);
}

async function waitForRoom(port: number, bytes: number): Promise<void> {
  while (waitingBytes(port) > bytes) await delay(1);
}

/** What is in the receive buffer of a port. */
function waitingBytes(port: number): number {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  const pattern = new RegExp(
    `^\\s*\\d+: [0-9A-F]+:${hexadecimal} \\S+ \\S+ [0-9A-F]+:([0-9A-F]+)`,
    'm',
  );
  const text = readFileSync('/proc/net/udp', 'latin1') + readFileSync('/proc/net/udp6', 'latin1');
  return Number.parseInt(pattern.exec(text)?.[1] ?? '0', 16);
}

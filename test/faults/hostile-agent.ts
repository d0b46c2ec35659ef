/**
 * Agent that treats a TCP port badly: random bytes, messages beyond every limit, and connections that do
 * nothing.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { serveRequests } from '../lab/agent-loop.ts';

interface Target {
  readonly host: string;
  readonly port: number;
}

const held: Socket[] = [];

async function open({ host, port }: Target): Promise<Socket> {
  const socket = connect(port, host);
  // The service is free to reset these connections.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Sends noise on so many connections, and returns when the service has closed them or 500 ms later. */
async function sendNoise({
  connections,
  bytes,
  ...target
}: Target & { connections: number; bytes: number }) {
  for (let i = 0; i < connections; i++) {
    const socket = await open(target);
    // Every other one begins as HTTP/2 does (RFC 9113 section 3.4), so that the noise is taken for frames.
    if (i % 2 === 1) socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.end(randomBytes(bytes));
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), 500);
    await once(socket, 'close');
    clearTimeout(timer);
  }
}

/** Opens connections and keeps them; returns how many are open. */
async function holdConnections({
  connections,
  ...target
}: Target & { connections: number }): Promise<number> {
  for (let i = 0; i < connections; i++) held.push(await open(target));
  return held.filter((socket) => !socket.destroyed).length;
}

function releaseConnections(): void {
  for (const socket of held.splice(0)) socket.destroy();
}

/** Sends a message of so many bytes; returns the status code of the answer. */
function sendMessage({ host, port, bytes }: Target & { bytes: number }): Promise<number> {
  const options = { 'grpc.max_send_message_length': -1 };
  const client = new Client(`${host}:${port}`, credentials.createInsecure(), options);
  const deadline = new Date(Date.now() + 30_000);
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/collector.proto.Settings/ReplaceProxyRules',
      () => Buffer.alloc(bytes),
      (answer: Buffer) => answer,
      {},
      { deadline } as never,
      (error: { code: number } | null) => {
        client.close();
        resolve(error?.code ?? 0);
      },
    );
  });
}

await serveRequests({ sendNoise, holdConnections, releaseConnections, sendMessage });

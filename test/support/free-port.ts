import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Given out before, by protocol: the kernel knows only of those that are in use already. */
const given = new Set<string>();

/** A UDP port of 127.0.0.1 that was free a moment ago, and another one each time. */
export function freeUdpPort(): Promise<number> {
  return newPort('UDP', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    await once(socket, 'close');
    return port;
  });
}

/** A TCP port of 127.0.0.1 that was free a moment ago, and another one each time. */
export function freeTcpPort(): Promise<number> {
  return newPort('TCP', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  });
}

async function newPort(protocol: string, freePort: () => Promise<number>): Promise<number> {
  for (;;) {
    const port = await freePort();
    const name = `${protocol} ${port}`;
    if (given.has(name)) continue;
    given.add(name);
    return port;
  }
}

/** Forwards what comes to a port to every collector, from the proxy's own address. */
import { createSocket, type SocketType } from 'node:dgram';

const RECEIVE_BUFFER_BYTES = 4 * 1024 ** 2;

function main([type, port, ...collectors]: string[]): void {
  const flowPort = Number(port);
  const sender = createSocket(type as SocketType);
  const receiver = createSocket({ type: type as SocketType, recvBufferSize: RECEIVE_BUFFER_BYTES });
  receiver.on('message', (payload) => {
    for (const collector of collectors) sender.send(payload, flowPort, collector, () => {});
  });
  receiver.bind(flowPort);
}

main(process.argv.slice(2));

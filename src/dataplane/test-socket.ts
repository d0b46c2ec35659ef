import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { once } from 'node:events';
import type { Endpoint } from '../model/endpoint.ts';

/** Addresses are literal. Without a turn of the event loop for each, what is sent is sent in order. */
const lookup: SocketOptions['lookup'] = (host, family, callback) =>
  callback(null, host, Number(family));

/**
 * A socket for test datagrams, at any port of an address of this host.
 *
 * @throws Error when the address is not there
 */
export async function openTestSocket({
  octets,
  host,
}: Pick<Endpoint, 'octets' | 'host'>): Promise<Socket> {
  const socket = createSocket({ type: octets.length === 4 ? 'udp4' : 'udp6', lookup });
  const listening = once(socket, 'listening');
  socket.bind({ address: host, port: 0 });
  try {
    await listening;
  } catch (error) {
    socket.close();
    throw error;
  }
  // Errors of sending show as datagrams that do not come back.
  socket.on('error', () => {});
  return socket;
}

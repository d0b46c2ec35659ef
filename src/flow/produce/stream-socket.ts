/** Stream sockets for links: TCP, TLS, unix. */
import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { z } from 'zod';
import { type tlsOption, tlsSettings } from './tls.ts';

/** A peer that is gone without a word is found out after some such times. */
const KEEP_ALIVE_MS = 15_000;

/** Where a stream socket leads to. */
export type StreamAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/**
 * Connects; the socket is destroyed when the signal ends the attempt.
 *
 * @throws Error ECONNREFUSED, ENOTFOUND, certificates …
 */
export async function connectStream(
  address: StreamAddress,
  tls: z.output<typeof tlsOption>,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connect({
    ...address,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  } as NetConnectOpts);
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    await once(socket, 'connect', { signal });
    socket.setNoDelay(true);
    return tls === undefined ? socket : await secure(socket, address, tls, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Makes a connection one by TLS. */
export async function secure(
  socket: Socket,
  address: StreamAddress,
  tls: NonNullable<z.output<typeof tlsOption>>,
  signal: AbortSignal,
): Promise<Socket> {
  const settings = await tlsSettings(tls);
  const host = 'host' in address ? { host: address.host } : {};
  const secured = connectTls({ ...host, ...settings, socket });
  try {
    await once(secured, 'secureConnect', { signal });
    return secured;
  } catch (error) {
    secured.destroy();
    throw error;
  }
}

/** Tells when a connection ends by itself, and reads on what nobody wants. */
export function watchLoss(socket: Socket, lost: (error: Error) => void): void {
  socket.on('error', lost);
  socket.on('end', () => lost(new Error('the peer closed the connection')));
  socket.on('close', () => lost(new Error('the connection was closed')));
}

/** Resolves when the kernel has all of it. @throws Error when the connection broke */
export function writeAll(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** Closes a connection: what the kernel has is still sent, what waits before it is given up. */
export function closeStream(socket: Socket | undefined): void {
  if (socket === undefined) return;
  if (socket.writableLength > 0) socket.destroy();
  else socket.destroySoon();
}

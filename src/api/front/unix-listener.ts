import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server as Listener, type Socket } from 'node:net';
import path from 'node:path';
import type { Logger } from 'pino';
import type { Access } from '../../access/access.ts';
import { peerOfUnix } from '../../access/peer.ts';
import { messageOf } from '../../base/errors.ts';
import { makeFolder } from '../../base/folder.ts';
import type { ApiSocketConfig } from '../../config/config.ts';
import type { Connections } from './connections.ts';

export interface UnixListenerParts {
  readonly socket: ApiSocketConfig;
  readonly access: Access;
  readonly connections: Connections;
  readonly log: Logger;
}

/** What grpc-js, which knows peers by address and port, takes for the address of every client. */
const ADDRESS = 'unix';

const FOLDER_MODE = 0o755;

/** The unix socket of the API. Where it cannot be, that is told, and the API is at its address alone. */
export class UnixListener {
  readonly #parts: UnixListenerParts;
  #listener: Listener | undefined;
  /** Of the file that this listener has made. */
  #inode: number | undefined;
  #lastNumber = 0;

  constructor(parts: UnixListenerParts) {
    this.#parts = parts;
  }

  async start(serve: (socket: Socket) => void): Promise<void> {
    const { socket, log } = this.#parts;
    const { path: file, mode } = socket;
    const fresh = `${file}.new`;
    try {
      if (await answers(file)) throw new Error('another program listens there');
      makeFolder(path.dirname(file), FOLDER_MODE);
      rmSync(fresh, { force: true });
      const listener = createServer((client) => this.#take(client, serve));
      await listen(listener, fresh);
      this.#listener = listener;
      listener.on('error', (err) => log.error({ err }, 'API cannot accept local connections'));
      // Nobody can connect to it while it has other permissions than it shall have.
      chmodSync(fresh, mode);
      this.#inode = lstatSync(fresh).ino;
      renameSync(fresh, file);
    } catch (error) {
      this.#listener?.close();
      const advice = 'set COLLECTOR_API_SOCKET to where it can be, or to off';
      log.error({ socket: file, error: messageOf(error), advice }, 'the API has no unix socket');
    }
  }

  /** Takes no more connections; those that are open stay. */
  close(): void {
    this.#listener?.close();
    // The next one may be there already.
    if (inodeOf(this.#parts.socket.path) === this.#inode && this.#inode !== undefined) {
      rmSync(this.#parts.socket.path, { force: true });
    }
  }

  #take(client: Socket, serve: (socket: Socket) => void): void {
    const { access, connections, log } = this.#parts;
    this.#lastNumber += 1;
    Object.defineProperties(client, {
      remoteAddress: { value: ADDRESS },
      remotePort: { value: this.#lastNumber },
    });
    const peer = peerOfUnix(client, (reason) => {
      log.debug({ reason }, 'the user of a local connection is not known');
    });
    if (connections.add(client, access.identify(peer)) !== undefined) serve(client);
  }
}

function inodeOf(file: string): number | undefined {
  return lstatSync(file, { throwIfNoEntry: false })?.ino;
}

/** Whether somebody listens there. What is there but nobody listens is left over. */
function answers(file: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const attempt = connect(file);
    attempt.once('connect', () => {
      attempt.destroy();
      resolve(true);
    });
    attempt.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}

/** Its file has no permissions at first. */
function listen(listener: Listener, file: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  listener.once('error', reject);
  // The file is made before listen() returns.
  const mask = process.umask(0o777);
  try {
    listener.listen(file, () => {
      listener.off('error', reject);
      resolve();
    });
  } finally {
    process.umask(mask);
  }
  return promise;
}

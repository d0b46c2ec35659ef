import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { freeTcpPort } from './free-port.ts';
import type { TestPeer } from './producer-conformance.ts';

/** A server of TCP or of a unix socket that keeps the lines that come. */
export class LinePeer implements TestPeer {
  readonly options: Record<string, unknown>;
  readonly #where: { port: number; host: string } | { path: string };
  readonly #lines: string[] = [];
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  private constructor(where: { port: number; host: string } | { path: string }) {
    this.#where = where;
    this.options = {
      url: 'path' in where ? `unix://${where.path}` : `tcp://127.0.0.1:${where.port}`,
    };
  }

  static async tcp(): Promise<LinePeer> {
    return new LinePeer({ host: '127.0.0.1', port: await freeTcpPort() });
  }

  static unix(path: string): LinePeer {
    return new LinePeer({ path });
  }

  async up(): Promise<void> {
    for (const socket of this.#sockets) socket.resume();
    if (this.#server !== undefined) return;
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.listen(this.#where);
    await once(this.#server, 'listening');
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async stall(): Promise<void> {
    for (const socket of this.#sockets) socket.pause();
  }

  async received(): Promise<readonly string[]> {
    return this.#lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#lines.push(...lines);
    });
  }
}

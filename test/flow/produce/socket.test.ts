import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { socketKind } from '../../../src/flow/produce/socket.ts';
import { freePort, LinePeer } from '../../support/line-peer.ts';
import { describeConformance, type TestPeer } from '../../support/producer-conformance.ts';

describeConformance({
  title: 'socket by TCP',
  kind: socketKind,
  makePeer: () => LinePeer.tcp(),
  acknowledged: 'by connection',
});

describeConformance({
  title: 'socket by unix',
  kind: socketKind,
  async makePeer() {
    const folder = await mkdtemp(path.join(tmpdir(), 'floxy-socket-'));
    const peer = LinePeer.unix(path.join(folder, 'flows.sock'));
    return Object.assign(peer, {
      async [Symbol.asyncDispose]() {
        await peer.down();
        await rm(folder, { recursive: true });
      },
    });
  },
  acknowledged: 'by connection',
});

describeConformance({
  title: 'socket by UDP',
  kind: socketKind,
  makePeer: () => DatagramPeer.make(),
  acknowledged: 'by nobody',
});

class DatagramPeer implements TestPeer {
  readonly options: Record<string, unknown>;
  readonly #port: number;
  readonly #messages: string[] = [];
  #socket: Socket | undefined;

  private constructor(port: number) {
    this.#port = port;
    this.options = { url: `udp://127.0.0.1:${port}` };
  }

  static async make(): Promise<DatagramPeer> {
    return new DatagramPeer(await freePort());
  }

  async up(): Promise<void> {
    if (this.#socket !== undefined) return;
    const socket = createSocket({ type: 'udp4', recvBufferSize: 16 * 1024 * 1024 });
    this.#socket = socket;
    socket.on('message', (bytes) => this.#messages.push(bytes.toString().replace(/\n$/, '')));
    socket.bind(this.#port, '127.0.0.1');
    await once(socket, 'listening');
  }

  async down(): Promise<void> {
    this.#socket?.close();
    this.#socket = undefined;
  }

  async received(): Promise<readonly string[]> {
    return this.#messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }
}

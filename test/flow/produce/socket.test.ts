import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createServer } from 'node:tls';
import { socketKind } from '../../../src/flow/produce/socket.ts';
import { makeCertificate } from '../../cli/certificates.ts';
import { waitFor } from '../../lab/shell.ts';
import { freeUdpPort } from '../../support/free-port.ts';
import { LinePeer } from '../../support/line-peer.ts';
import { failureOf, offerOf, startProducer, temporaryFolder } from '../../support/offers.ts';
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
    return new DatagramPeer(await freeUdpPort());
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

describe('socket', () => {
  test('TLS: the certificate is checked, unless that is turned off', async () => {
    await using folder = await temporaryFolder();
    const files = makeCertificate(folder.path, 'localhost');
    let received = '';
    const settings = { cert: await readFile(files.certificate), key: await readFile(files.key) };
    const server = createServer(settings, (socket) => {
      socket.on('error', () => undefined).setEncoding('utf8');
      socket.on('data', (text: string) => {
        received += text;
      });
    });
    server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const url = `tcp://localhost:${port}`;
    for (const tls of [{ ca_file: files.certificate }, { verify: false }]) {
      await using producer = await startProducer(socketKind, { url, tls });
      received = '';
      producer.offer(offerOf(['a', 'b']));
      await producer.flush(60_000);
      await waitFor('both lines have come', () => received === 'a\nb\n');
    }
    await using untrusting = await startProducer(socketKind, { url, tls: {} });
    assert.match(await failureOf(untrusting), /certificate/);
    await untrusting.stop(1000);
    server.close();
  });

  test('a message larger than a datagram fails, the others are sent', async () => {
    await using peer = await DatagramPeer.make();
    await peer.up();
    await using producer = await startProducer(socketKind, peer.options);
    producer.offer(offerOf(['a', 'x'.repeat(70_000), 'b']));
    await producer.flush(60_000);
    await waitFor('the others have come', async () => (await peer.received()).length === 2);
    assert.deepEqual([producer.counters.delivered, producer.counters.failed], [2, 1]);
    assert.match(producer.status.error ?? '', /larger than a datagram/);
  });

  test('addresses that are none are refused, with what they have to be', () => {
    for (const url of [
      'localhost:9555',
      'tcp://localhost',
      'udp://h:1/x',
      'unix://x',
      'http://h:1',
      'tcp://u@h:1',
    ]) {
      const { success, error } = socketKind.options.safeParse({ url });
      assert.equal(success, false, url);
      assert.match(error?.issues[0]?.message ?? '', /must be tcp:/);
    }
    for (const url of ['tcp://[::1]:9555', 'udp://h:1', 'unix:///run/x']) {
      assert.equal(socketKind.options.safeParse({ url }).success, true, url);
    }
    assert.equal(socketKind.options.safeParse({ url: 'udp://h:1', tls: {} }).success, false);
  });
});

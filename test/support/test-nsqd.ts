import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import { freeTcpPort } from './free-port.ts';
import type { TestPeer } from './producer-conformance.ts';

const TOPIC = /^[.a-zA-Z0-9_-]{1,64}(#ephemeral)?$/;

interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface TestNsqdSettings {
  readonly tls?: TlsFiles;
  readonly deflate?: boolean;
  /** The secret that AUTH must bring. */
  readonly secret?: string;
  readonly maxMessage?: number;
  /** It sends none. */
  readonly mute?: boolean;
}

/**
 * A server of the tests' own that speaks what producers use of nsqd's protocol V2, written after its specification
 * (https://nsq.io/clients/tcp_protocol_spec.html): there is no nsqd among the packages that tests can install.
 */
export class TestNsqd implements TestPeer {
  readonly options: Record<string, unknown>;
  readonly port: number;
  readonly messages: { topic: string; text: string }[] = [];
  readonly identities: Record<string, unknown>[] = [];
  heartbeats = 0;
  readonly #settings: TestNsqdSettings;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  private constructor(port: number, settings: TestNsqdSettings) {
    this.port = port;
    this.#settings = settings;
    this.options = { servers: [`localhost:${port}`], topic: 'flows' };
  }

  static async make(settings: TestNsqdSettings = {}): Promise<TestNsqd> {
    return new TestNsqd(await freeTcpPort(), settings);
  }

  async up(): Promise<void> {
    for (const socket of this.#sockets) socket.resume();
    if (this.#server !== undefined) return;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      new Session(socket, this, this.#settings);
    });
    this.#server.listen(this.port, '127.0.0.1');
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
    return this.messages.map(({ text }) => text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }
}

/** One connection. */
class Session {
  readonly #nsqd: TestNsqd;
  readonly #settings: TestNsqdSettings;
  #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #magic = false;
  #authorized: boolean;
  #timer: NodeJS.Timeout | undefined;
  #write = (bytes: Buffer): unknown => this.#socket.write(bytes);
  #end = (): unknown => this.#socket.end();
  readonly #take = (bytes: Buffer) => {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#next());
  };

  constructor(socket: Socket, nsqd: TestNsqd, settings: TestNsqdSettings) {
    this.#socket = socket;
    this.#nsqd = nsqd;
    this.#settings = settings;
    this.#authorized = settings.secret === undefined;
    socket.on('data', this.#take).on('error', () => undefined);
    socket.on('close', () => clearInterval(this.#timer));
  }

  /** @returns whether there was a whole command */
  #next(): boolean {
    if (!this.#magic) {
      if (this.#bytes.length < 4) return false;
      if (this.#cut(4).toString() !== '  V2') this.#socket.destroy();
      this.#magic = true;
    }
    const newline = this.#bytes.indexOf(10);
    if (newline < 0) return false;
    const [command = '', topic = ''] = this.#bytes.subarray(0, newline).toString().split(' ');
    if (command === 'NOP') {
      this.#nsqd.heartbeats++;
      this.#cut(newline + 1);
      return true;
    }
    if (this.#bytes.length < newline + 5) return false;
    const length = this.#bytes.readUInt32BE(newline + 1);
    if (this.#bytes.length < newline + 5 + length) return false;
    const body = this.#cut(newline + 5 + length).subarray(newline + 5);
    this.#run(command, topic, body);
    return true;
  }

  #cut(octets: number): Buffer {
    const head = this.#bytes.subarray(0, octets);
    this.#bytes = this.#bytes.subarray(octets);
    return head;
  }

  #run(command: string, topic: string, body: Buffer): void {
    if (command === 'IDENTIFY') this.#identify(JSON.parse(body.toString()));
    else if (command === 'AUTH') this.#authorize(body.toString());
    else if (!this.#authorized) this.#fail(`E_AUTH_FIRST AUTH required before ${command}`);
    else this.#publish(command, topic, command === 'MPUB' ? [...split(body)] : [body]);
  }

  #authorize(secret: string): void {
    this.#authorized = secret === this.#settings.secret;
    if (this.#authorized) this.#frame(0, '{"identity":"test"}');
    else this.#fail('E_UNAUTHORIZED AUTH failed');
  }

  #publish(command: string, topic: string, messages: readonly Buffer[]): void {
    const limit = this.#settings.maxMessage ?? 1024 * 1024;
    if (!TOPIC.test(topic)) {
      this.#fail(`E_BAD_TOPIC ${command} topic name "${topic}" is not valid`);
    } else if (messages.some(({ length }) => length === 0 || length > limit)) {
      this.#fail(`E_BAD_MESSAGE ${command} message too big`);
    } else {
      for (const message of messages) this.#nsqd.messages.push({ topic, text: message.toString() });
      this.#frame(0, 'OK');
    }
  }

  #identify(wanted: Record<string, unknown>): void {
    this.#nsqd.identities.push(wanted);
    const { tls, deflate = false, secret, mute = false } = this.#settings;
    const offered = {
      version: 'test',
      tls_v1: tls !== undefined,
      deflate,
      auth_required: secret !== undefined,
    };
    this.#frame(0, JSON.stringify(offered));
    const next = () => {
      if (deflate && wanted['deflate'] === true) this.#startDeflate();
    };
    if (tls !== undefined && wanted['tls_v1'] === true) this.#startTls(tls, next);
    else next();
    const interval = Number(wanted['heartbeat_interval']);
    if (!mute) this.#timer = setInterval(() => this.#frame(0, '_heartbeat_'), interval);
  }

  #startTls({ certificate, key }: TlsFiles, next: () => void): void {
    this.#socket.off('data', this.#take).pause();
    const secured = new TLSSocket(this.#socket, {
      isServer: true,
      cert: readFileSync(certificate),
      key: readFileSync(key),
    });
    this.#socket = secured;
    secured.on('error', () => undefined).on('data', this.#take);
    secured.once('secure', () => {
      this.#frame(0, 'OK');
      next();
    });
  }

  #startDeflate(): void {
    const out = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
    const into = createInflateRaw({ flush: constants.Z_SYNC_FLUSH });
    this.#socket.off('data', this.#take);
    out.pipe(this.#socket);
    for (const stream of [out, into]) stream.on('error', () => undefined);
    this.#socket.pipe(into).on('data', this.#take);
    this.#write = (bytes) => out.write(bytes);
    this.#end = () => out.end();
    this.#frame(0, 'OK');
  }

  #fail(text: string): void {
    this.#frame(1, text);
    this.#end();
  }

  #frame(type: number, text: string): void {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(Buffer.byteLength(text) + 4, 0);
    header.writeUInt32BE(type, 4);
    this.#write(Buffer.concat([header, Buffer.from(text)]));
  }
}

/** The messages of MPUB. */
function* split(body: Buffer): Generator<Buffer> {
  let at = 4;
  for (let i = body.readUInt32BE(0); i > 0; i--) {
    const length = body.readUInt32BE(at);
    yield body.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
}

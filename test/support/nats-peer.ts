import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node';
import { endProcess, waitFor } from '../lab/shell.ts';
import { freeTcpPort } from './free-port.ts';
import type { TestPeer } from './producer-conformance.ts';

const SUBJECT = 'flows';
const STREAM = 'FLOWS';

export interface NatsPeerOptions {
  readonly jetstream: boolean;
  /** For nats-server, on top of address and store. */
  readonly arguments?: readonly string[];
  /** A name for 127.0.0.1. */
  readonly host?: string;
  /** Of clients of the test. */
  readonly client?: ConnectionOptions;
}

/** nats-server, with a subscriber or with a stream. */
export class NatsPeer implements TestPeer {
  readonly options: Record<string, unknown>;
  readonly #settings: NatsPeerOptions;
  readonly #port: number;
  readonly #folder: string;
  readonly #messages: string[] = [];
  #server: ChildProcess | undefined;
  #said = '';
  #subscriber: NatsConnection | undefined;

  private constructor(port: number, folder: string, settings: NatsPeerOptions) {
    this.#port = port;
    this.#folder = folder;
    this.#settings = settings;
    this.options = {
      servers: [`nats://${settings.host ?? '127.0.0.1'}:${port}`],
      subject: SUBJECT,
      jetstream: settings.jetstream,
      connect_timeout: '2s',
      send_timeout: '5s',
    };
  }

  static async make(settings: NatsPeerOptions): Promise<NatsPeer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'floxy-nats-'));
    return new NatsPeer(await freeTcpPort(), folder, settings);
  }

  async up(): Promise<void> {
    this.#server?.kill('SIGCONT');
    if (this.#server !== undefined) return;
    const store = this.#settings.jetstream ? ['-js', '-sd', this.#folder] : [];
    const args = [
      '-a',
      '127.0.0.1',
      '-p',
      String(this.#port),
      ...store,
      ...(this.#settings.arguments ?? []),
    ];
    const server = spawn('nats-server', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#said = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    this.#server = server;
    await waitFor(
      () => `nats-server is ready: ${this.#said}`,
      () => this.#said.includes('Server is ready'),
    );
    if (this.#settings.jetstream) await this.#makeStream();
    else await this.#subscribe();
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await this.#subscriber?.close();
    if (server !== undefined) await endProcess(server, 'SIGKILL', 10_000);
  }

  async stall(): Promise<void> {
    this.#server?.kill('SIGSTOP');
  }

  async received(): Promise<readonly string[]> {
    return this.#settings.jetstream ? this.#readStream() : this.#messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.kill('SIGCONT');
    await this.down();
    await rm(this.#folder, { recursive: true });
  }

  #connect(): Promise<NatsConnection> {
    return connect({
      servers: `${this.#settings.host ?? '127.0.0.1'}:${this.#port}`,
      ...this.#settings.client,
    });
  }

  async #subscribe(): Promise<void> {
    const connection = await this.#connect();
    this.#subscriber = connection;
    connection.subscribe(SUBJECT, {
      callback: (_, { data }) => {
        this.#messages.push(Buffer.from(data).toString());
      },
    });
    await connection.flush();
  }

  async #makeStream(): Promise<void> {
    const connection = await this.#connect();
    const manager = await jetstreamManager(connection);
    await manager.streams
      .info(STREAM)
      .catch(() => manager.streams.add({ name: STREAM, subjects: [SUBJECT] }));
    await connection.close();
  }

  async #readStream(): Promise<string[]> {
    const connection = await this.#connect();
    const consumer = await jetstream(connection).consumers.get(STREAM);
    const wanted = (await consumer.info()).num_pending;
    const messages: string[] = [];
    if (wanted > 0) {
      for await (const { data } of await consumer.consume()) {
        messages.push(Buffer.from(data).toString());
        if (messages.length >= wanted) break;
      }
    }
    await connection.close();
    return messages;
  }
}

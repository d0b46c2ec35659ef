import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { endProcess, waitFor } from '../lab/shell.ts';
import { Cable } from './cable.ts';
import { freeTcpPort } from './free-port.ts';
import type { TestPeer } from './producer-conformance.ts';

/**
 * The mock cluster of librdkafka, of three brokers, with kcat as its consumer. A cluster has ports of its own choice:
 * a port that stays leads to its first broker.
 */
export class KafkaPeer implements TestPeer {
  readonly options: Record<string, unknown>;
  readonly #port: number;
  readonly #topic: string;
  readonly #cable = new Cable(() => new Set(this.#brokers));
  readonly #bridges = new Set<Socket>();
  #brokers: number[] = [];
  #bootstrap: Server | undefined;
  #kcat: ChildProcess | undefined;
  #said = '';
  #output = '';

  private constructor(port: number, options: object) {
    this.#port = port;
    this.#topic = 'flows';
    this.options = {
      brokers: [`127.0.0.1:${port}`],
      topic: this.#topic,
      connect_timeout: '2s',
      send_timeout: '5s',
      ...options,
    };
  }

  static async make(options: object = {}): Promise<KafkaPeer> {
    return new KafkaPeer(await freeTcpPort(), options);
  }

  async up(): Promise<void> {
    this.#cable.mend();
    this.#kcat?.kill('SIGCONT');
    if (this.#kcat === undefined) await this.#startCluster();
    await this.#listen();
  }

  /** Nobody can reach it any more. What it has, it keeps, as a cluster of more than memory does. */
  async down(): Promise<void> {
    this.#cable.cut();
    const bootstrap = this.#bootstrap;
    this.#bootstrap = undefined;
    if (bootstrap === undefined) return;
    const closed = once(bootstrap, 'close');
    bootstrap.close();
    for (const socket of this.#bridges) socket.destroy();
    await closed;
  }

  async stall(): Promise<void> {
    this.#kcat?.kill('SIGSTOP');
  }

  /** Kills the cluster with all that it has; the next `up` starts another one, whose brokers have other ports. */
  async kill(): Promise<void> {
    await this.down();
    if (this.#kcat !== undefined) await endProcess(this.#kcat, 'SIGKILL', 10_000);
    this.#kcat = undefined;
  }

  async received(): Promise<readonly string[]> {
    return this.#records.map(([, , value]) => value);
  }

  /** Partition, key and value of each message. */
  get #records(): (readonly [partition: number, key: string, value: string])[] {
    return this.#output
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [partition = '', key = '', value = ''] = line.split('|');
        return [Number(partition), key, value] as const;
      });
  }

  /** The partitions in which each key came. */
  get partitionsByKey(): Map<string, Set<number>> {
    const partitions = new Map<string, Set<number>>();
    for (const [partition, key] of this.#records) {
      partitions.set(key, (partitions.get(key) ?? new Set()).add(partition));
    }
    return partitions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kcat?.kill('SIGCONT');
    await this.kill();
    this.#cable[Symbol.dispose]();
  }

  async #startCluster(): Promise<void> {
    const format = ['-u', '-f', '%p|%k|%s\\n'];
    const quick = ['-X', 'fetch.wait.max.ms=20', '-X', 'fetch.error.backoff.ms=10'];
    const args = [
      '-b',
      'mock',
      '-X',
      'test.mock.num.brokers=3',
      ...quick,
      '-C',
      '-t',
      this.#topic,
      ...format,
    ];
    const kcat = spawn('kcat', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#kcat = kcat;
    this.#said = '';
    kcat.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    kcat.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    const brokers = await waitFor(
      () => `the mock cluster says where it is: ${this.#said}`,
      () => /replaced with ([\d.:,]+)/.exec(this.#said)?.[1],
    );
    this.#brokers = brokers.split(',').map((address) => Number(address.split(':')[1]));
    await waitFor('its consumer is at the end of the topic', () =>
      this.#said.includes('Reached end of topic'),
    );
  }

  async #listen(): Promise<void> {
    if (this.#bootstrap !== undefined) return;
    const server = createServer((socket) => {
      const broker = connect({ host: '127.0.0.1', port: this.#brokers[0] ?? 0 });
      for (const [from, to] of [
        [socket, broker],
        [broker, socket],
      ] as const) {
        this.#bridges.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#bridges.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    this.#bootstrap = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
  }
}

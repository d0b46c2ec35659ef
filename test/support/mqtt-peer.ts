import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { endProcess, waitFor } from '../lab/shell.ts';
import { freeTcpPort } from './free-port.ts';
import type { TestPeer } from './producer-conformance.ts';

/** mosquitto, with a subscriber. */
export class MqttPeer implements TestPeer {
  readonly options: Record<string, unknown>;
  readonly #port: number;
  readonly #folder: string;
  readonly #messages: string[] = [];
  #broker: ChildProcess | undefined;
  #said = '';
  #subscriber: MqttClient | undefined;

  private constructor(port: number, folder: string) {
    this.#port = port;
    this.#folder = folder;
    this.options = {
      url: `mqtt://127.0.0.1:${port}`,
      topic: 'flows/{protocol}',
      connect_timeout: '2s',
      send_timeout: '5s',
    };
  }

  static async make(): Promise<MqttPeer> {
    const peer = new MqttPeer(
      await freeTcpPort(),
      await mkdtemp(path.join(tmpdir(), 'floxy-mqtt-')),
    );
    // Without limits for a subscriber that is slow: the broker would drop.
    const settings = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0'];
    await writeFile(peer.#config, [`listener ${peer.#port} 127.0.0.1`, ...settings, ''].join('\n'));
    return peer;
  }

  async up(): Promise<void> {
    this.#broker?.kill('SIGCONT');
    if (this.#broker !== undefined) return;
    const broker = spawn('mosquitto', ['-v', '-c', this.#config], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#broker = broker;
    this.#said = '';
    for (const stream of [broker.stdout, broker.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
    }
    await waitFor(
      () => `mosquitto is ready: ${this.#said}`,
      () => / running/.test(this.#said),
    );
    const subscriber = await connectAsync(`mqtt://127.0.0.1:${this.#port}`, { reconnectPeriod: 0 });
    this.#subscriber = subscriber;
    subscriber.on('error', () => undefined);
    subscriber.on('message', (_, payload) => {
      this.#messages.push(payload.toString());
    });
    await subscriber.subscribeAsync('flows/#', { qos: 1 });
  }

  async down(): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    if (broker !== undefined) await endProcess(broker, 'SIGKILL', 10_000);
    this.#subscriber?.end(true);
  }

  async stall(): Promise<void> {
    this.#broker?.kill('SIGSTOP');
  }

  async received(): Promise<readonly string[]> {
    return this.#messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#broker?.kill('SIGCONT');
    await this.down();
    await rm(this.#folder, { recursive: true });
  }

  get #config(): string {
    return path.join(this.#folder, 'mosquitto.conf');
  }
}

/** Databases for metrics, each with data and ports of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endProcess, HANG_MS, hasEnded, waitFor } from '../lab/shell.ts';
import { freeTcpPort } from '../support/free-port.ts';

/** A server that can be stopped and started again on the same ports. */
class Server implements AsyncDisposable {
  readonly #command: readonly string[];
  readonly #folder: string;
  readonly #healthUrl: string;
  #child: ChildProcess | undefined;
  #log = '';

  constructor(command: readonly string[], folder: string, healthUrl: string) {
    this.#command = command;
    this.#folder = folder;
    this.#healthUrl = healthUrl;
  }

  async start(): Promise<void> {
    const [program = '', ...args] = this.#command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.on('error', (error) => {
      this.#log += error.message;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-5000);
      });
    }
    await waitFor(`${program} answers`, async () => {
      if (hasEnded(child)) throw new Error(`${program} has ended: ${this.#log}`);
      const answer = await fetch(this.#healthUrl).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.ok ?? false;
    });
  }

  async stop(): Promise<void> {
    if (this.#child !== undefined) await endProcess(this.#child, 'SIGTERM', HANG_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export interface Influxdb extends AsyncDisposable {
  readonly url: string;
  query(text: string): Promise<InfluxdbSeries[]>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface InfluxdbSeries {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

/** InfluxDB 1, with a database `vflow`. */
export async function startInfluxdb(): Promise<Influxdb> {
  const folder = await mkdtemp(path.join(tmpdir(), 'floxy-influxdb-'));
  const [port, rpcPort] = [await freeTcpPort(), await freeTcpPort()];
  const file = path.join(folder, 'influxdb.conf');
  await writeFile(
    file,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
`,
  );
  const url = `http://127.0.0.1:${port}`;
  const server = new Server(['influxd', '-config', file], folder, `${url}/ping`);
  const query = async (text: string) => {
    const parameters = new URLSearchParams({ db: 'vflow', q: text });
    const answer = await fetch(`${url}/query?${parameters}`, { method: 'POST' });
    const { results } = (await answer.json()) as { results: { series?: InfluxdbSeries[] }[] };
    return results.flatMap(({ series = [] }) => series);
  };
  await server.start();
  await query('CREATE DATABASE vflow');
  return {
    url,
    query,
    stop: () => server.stop(),
    start: () => server.start(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** VictoriaMetrics: takes what InfluxDB 2 and OpenTSDB take. */
export async function startVictoriaMetrics() {
  const folder = await mkdtemp(path.join(tmpdir(), 'floxy-victoria-'));
  const [port, opentsdbPort] = [await freeTcpPort(), await freeTcpPort()];
  const url = `http://127.0.0.1:${port}`;
  const command = [
    'victoria-metrics',
    `-storageDataPath=${folder}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    `-opentsdbListenAddr=127.0.0.1:${opentsdbPort}`,
    '-memory.allowedBytes=64MB',
  ];
  const server = new Server(command, folder, `${url}/health`);
  await server.start();
  return {
    url,
    opentsdb: `127.0.0.1:${opentsdbPort}`,
    /** Values of the series with these labels. */
    series: async (selector: string) => {
      await (await fetch(`${url}/internal/force_flush`)).arrayBuffer();
      const parameters = new URLSearchParams({ 'match[]': selector });
      const lines = await (await fetch(`${url}/api/v1/export?${parameters}`)).text();
      return lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { metric: Record<string, string>; values: number[] });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, hasEnded, waitFor } from '../lab/shell.ts';
import { freeTcpPort } from './free-port.ts';

/** A server of ClickHouse (Debian's), with a folder and ports of its own. It is down at first. */
export class ClickhouseServer implements AsyncDisposable {
  readonly url: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #log = '';

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** @param password of its user `default` */
  static async make(password = ''): Promise<ClickhouseServer> {
    const folder = await mkdtemp(join(tmpdir(), 'floxy-clickhouse-'));
    const [http, tcp] = [await freeTcpPort(), await freeTcpPort()];
    await writeFile(join(folder, 'config.xml'), serverConfig(folder, http, tcp));
    await writeFile(join(folder, 'users.xml'), usersConfig(password));
    return new ClickhouseServer(folder, http);
  }

  /** What the server says on its output. */
  get log(): string {
    return this.#log;
  }

  async up(): Promise<void> {
    const made = spawn('clickhouse-server', [`--config-file=${join(this.#folder, 'config.xml')}`], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const heard = (text: Buffer) => {
      this.#log += text;
    };
    made.stdout.on('data', heard);
    made.stderr.on('data', heard);
    this.#process = made;
    await waitFor(
      () => `the server answers: ${this.#log}`,
      async () => {
        if (hasEnded(made)) throw new Error(`clickhouse-server has ended: ${this.#log}`);
        const answer = await fetch(`${this.url}/ping`).catch(() => undefined);
        return answer?.ok === true;
      },
    );
  }

  /** Dies, as by kill -9. */
  async down(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process, 'SIGKILL', 10_000);
    this.#process = undefined;
  }

  /** Has a statement run. @returns what it answers */
  async query(statement: string, user = 'default', password = ''): Promise<string> {
    const authorization = `Basic ${btoa(`${user}:${password}`)}`;
    const answer = await fetch(this.url, {
      method: 'POST',
      body: statement,
      headers: { authorization },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${statement.slice(0, 100)}: ${text}`);
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    await rm(this.#folder, { recursive: true });
  }
}

function serverConfig(folder: string, http: number, tcp: number): string {
  return `<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <http_port>${http}</http_port>
  <tcp_port>${tcp}</tcp_port>
  <listen_host>127.0.0.1</listen_host>
  <path>${folder}/data/</path>
  <tmp_path>${folder}/tmp/</tmp_path>
  <users_config>${folder}/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>5368709</mark_cache_size>
</yandex>
`;
}

function usersConfig(password: string): string {
  return `<?xml version="1.0"?>
<yandex>
  <profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
  <users>
    <default>
      <password>${password}</password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  </users>
  <quotas><default></default></quotas>
</yandex>
`;
}

/**
 * A node of the lab: the proxy as a service manager keeps it, gobgpd with the configuration of deploy/ha, and the
 * announcer between them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Api } from '../lab/api.ts';
import { pidsIn } from '../lab/namespaces.ts';
import { Program } from '../lab/program.ts';
import { run, waitFor } from '../lab/shell.ts';
import {
  LAN_ADDRESS,
  MANAGEMENT_ADDRESS,
  type Network,
  type NodeName,
  SERVICE,
} from './network.ts';
import { KeptProgram } from './program.ts';

const FLOXY = fileURLToPath(new URL('../../bin/floxy', import.meta.url));
const GOBGPD_CONFIGURATION = fileURLToPath(new URL('../../deploy/ha/gobgpd.toml', import.meta.url));
const BFD_CONFIGURATION = fileURLToPath(new URL('node-bfd.conf', import.meta.url));

const API_PORT = 8853;

export interface NodeOptions {
  /** For configuration, database and logs. */
  readonly folder: string;
  readonly listenPort: number;
  /** Node whose rules it takes over. */
  readonly leader?: NodeName;
  /** Answers BFD. */
  readonly hasBfd: boolean;
}

export class ProxyNode implements AsyncDisposable {
  readonly name: NodeName;
  readonly #namespace: string;
  readonly #stack = new AsyncDisposableStack();
  readonly #env: NodeJS.ProcessEnv;
  readonly #service: KeptProgram;
  readonly #announcer: KeptProgram;
  #api: Api | undefined;

  private constructor(network: Network, name: NodeName, options: NodeOptions) {
    const { folder, listenPort, leader, hasBfd } = options;
    this.name = name;
    this.#namespace = network.nodes[name];
    mkdirSync(folder, { recursive: true });
    this.#env = {
      COLLECTOR_FLOXY_ADDRESS: `[::]:${listenPort}`,
      COLLECTOR_FLOXY_THREAD_COUNT: '2',
      COLLECTOR_FLOXY_DRAIN_SECONDS: '10',
      COLLECTOR_DATABASE_PATH: join(folder, 'collector.db'),
      COLLECTOR_API_ADDRESS: `0.0.0.0:${API_PORT}`,
      COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow',
      COLLECTOR_ANNOUNCE_ADDRESSES: SERVICE,
      // The lab makes more failures in a minute than a node that is not broken.
      COLLECTOR_ANNOUNCE_HOLD_SECONDS: '0',
      ...(leader && { COLLECTOR_FLOXY_FOLLOW: `${MANAGEMENT_ADDRESS[leader]}:${API_PORT}` }),
    };
    const configuration = join(folder, 'gobgpd.toml');
    writeFileSync(configuration, gobgpdConfiguration(name));
    const flags = ['--api-hosts', '127.0.0.1:50051', '--pprof-disable', '-l', 'warn'];
    this.#start(['gobgpd', '-f', configuration, ...flags]);
    if (hasBfd) this.#start(['bird', '-f', '-c', BFD_CONFIGURATION, '-s', `${folder}/bird.ctl`]);
    this.#service = this.#keep([FLOXY, 'serve']);
    this.#announcer = this.#keep([FLOXY, 'announce']);
  }

  /** Returns when the proxy is OK; its route takes longer. */
  static async start(network: Network, name: NodeName, options: NodeOptions): Promise<ProxyNode> {
    const node = new ProxyNode(network, name, options);
    try {
      node.#api = node.#stack.use(await Api.start(node.#namespace));
      await node.waitUntilReady();
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
    return node;
  }

  get api(): Api {
    if (this.#api === undefined) throw new Error(`node ${this.name} has not been started`);
    return this.#api;
  }

  get controlPid(): number {
    return this.#service.pid;
  }

  get log(): string {
    return `node ${this.name}:\n${this.#service.log}${this.#announcer.log}`;
  }

  async forwarderPids(): Promise<number[]> {
    const pids = await pidsIn(this.#namespace);
    return pids.filter((pid) => commandOf(pid).startsWith('floxy: forwarder'));
  }

  /** Ends all processes of the proxy at once, without a chance to clean up; they stay down. */
  async killProxy(): Promise<void> {
    this.#service.release();
    for (const pid of [this.controlPid, ...(await this.forwarderPids())])
      process.kill(pid, 'SIGKILL');
  }

  killControl(): void {
    process.kill(this.controlPid, 'SIGKILL');
  }

  /** Ends the proxy with SIGTERM; it stays down. */
  async terminate(): Promise<number | null> {
    await this.#service.end('SIGTERM');
    return this.#service.status;
  }

  startProxy(): void {
    this.#service.start();
  }

  /** Sends a signal to control alone. */
  signalControl(signal: NodeJS.Signals): void {
    process.kill(this.controlPid, signal);
  }

  async signalForwarders(signal: NodeJS.Signals): Promise<readonly number[]> {
    const pids = await this.forwarderPids();
    for (const pid of pids) process.kill(pid, signal);
    return pids;
  }

  /** Runs a floxy command as an operator does on the node. @returns its output */
  floxy(...args: readonly string[]): Promise<string> {
    const settings = Object.entries(this.#env).map(([name, value]) => `${name}=${value}`);
    return run(['ip', 'netns', 'exec', this.#namespace, 'env', ...settings, FLOXY, ...args]);
  }

  async waitUntilReady(): Promise<void> {
    let seen = '';
    await waitFor(
      () => `the proxy of node ${this.name} is OK; it is ${seen}\n${this.log}`,
      async () => {
        const status = await this.api.status(1000).catch((error: Error) => error);
        seen = status instanceof Error ? status.message : JSON.stringify(status.proxy);
        return !(status instanceof Error) && status.proxy.state === 'OK';
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #start(command: readonly string[]): void {
    this.#stack.use(new Program(this.#namespace, command, { env: this.#env }));
  }

  #keep(command: readonly string[]): KeptProgram {
    return this.#stack.use(new KeptProgram(this.#namespace, command, { env: this.#env }));
  }
}

/** The one of deploy/ha with its IPv4 neighbour alone, this node's address, and the lab's short times. */
function gobgpdConfiguration(node: NodeName): string {
  const [global = '', ipv4 = ''] = readFileSync(GOBGPD_CONFIGURATION, 'utf8').split(
    '[[neighbors]]',
  );
  return `${global}[[neighbors]]${ipv4}`
    .replaceAll(LAN_ADDRESS.a, LAN_ADDRESS[node])
    .replace('hold-time = 9', 'hold-time = 3')
    .replace('keepalive-interval = 3', 'keepalive-interval = 1');
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

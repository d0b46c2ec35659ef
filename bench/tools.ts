import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { programPath } from '../tools/traffic/programs.ts';
import type { Scenario } from './scenarios.ts';
import { inNamespace, run, Service } from './shell.ts';
import { FIRST_EXPORTER, FLOW_PORT, type Path, PROXY_ADDRESS, type Topology } from './topology.ts';

/** Which core does what. */
export interface Cores {
  readonly generator: number;
  readonly proxy: number;
  /** All else: control processes, this program. The generator's where there are only two. */
  readonly rest: number;
}

/** What the generator did. */
export interface Sent {
  readonly sent: number;
  /** Not taken by the interface. */
  readonly refused: number;
  readonly seconds: number;
}

/** Counters at one moment; only differences mean something. */
export interface Sample {
  /** Of a clock that never goes back. */
  readonly seconds: number;
  readonly packets: number;
  readonly bytes: number;
  /** Lost on the link because the backlog of the core was full. */
  readonly dropped: number;
  readonly core: {
    readonly idleTicks: number;
    readonly stealTicks: number;
    readonly allTicks: number;
  };
  readonly processes: readonly {
    readonly pid: number;
    readonly runNs: number;
    readonly userTicks: number;
    readonly systemTicks: number;
  }[];
}

/** Latency of the copies sampled, in nanoseconds, from the generator's write to the collector's interface. */
export interface Latency {
  readonly samples: number;
  /** Of them, how many came from the exporter's own address and port. */
  readonly withExporterSource: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly maxNs: number;
}

export interface Load {
  /** Packets per second; 0 = as many as possible. */
  readonly rate: number;
  readonly ms: number;
}

export class Generator {
  readonly #topology: Topology;
  readonly #cores: Cores;

  constructor(topology: Topology, cores: Cores) {
    this.#topology = topology;
    this.#cores = cores;
  }

  async send(to: Path, scenario: Scenario, load: Load): Promise<Sent> {
    const family = scenario.family === 'ipv6' ? 'ipv6' : 'ipv4';
    const options: Record<string, string | number> = {
      interface: to.generatorInterface,
      'destination-mac': to.mac,
      destination: PROXY_ADDRESS[family],
      port: FLOW_PORT,
      'first-exporter': FIRST_EXPORTER[family],
      payload: scenario.payloadBytes,
      exporters: scenario.exporters,
      addresses: scenario.rules,
      rate: load.rate,
      seconds: load.ms / 1000,
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    const command = [programPath('bench/generator'), ...args];
    const namespace = this.#topology.generatorNamespace;
    const [program = '', ...rest] = inNamespace(namespace, this.#cores.generator, command);
    return JSON.parse(await run(program, rest)) as Sent;
  }
}

/** One process counts for all paths. */
export class Collector implements AsyncDisposable {
  readonly #service: Service;
  readonly #answers: AsyncIterator<string>;
  readonly #proxyCore: number;

  constructor(topology: Topology, cores: Cores) {
    const command = [programPath('bench/collector')];
    const args = inNamespace(topology.collectorNamespace, cores.generator, command);
    this.#service = new Service(args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#proxyCore = cores.proxy;
    const { stdout } = this.#service.process;
    if (stdout === null) throw new Error('collector without standard output');
    this.#answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  sample(from: Path, pids: readonly number[]): Promise<Sample> {
    return this.#ask(['sample', from.collectorInterface, this.#proxyCore, ...pids].join(' '));
  }

  async startRecording(from: Path): Promise<void> {
    await this.#ask(`record ${from.collectorInterface}`);
  }

  report(): Promise<Latency> {
    return this.#ask('report');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]();
  }

  async #ask<Answer>(command: string): Promise<Answer> {
    const { stdin } = this.#service.process;
    if (stdin?.write(`${command}\n`) === false) await once(stdin, 'drain');
    const { value, done } = await this.#answers.next();
    if (done) this.#service.assertRunning();
    return JSON.parse(value) as Answer;
  }
}

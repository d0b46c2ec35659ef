import { type Sent, Generator as TrafficGenerator } from '../tools/traffic/generator.ts';
import { Judge } from '../tools/traffic/judge.ts';
import type { Scenario } from './scenarios.ts';
import { inNamespace } from './shell.ts';
import { FIRST_EXPORTER, FLOW_PORT, type Path, PROXY_ADDRESS, type Topology } from './topology.ts';

/** Which core does what. */
export interface Cores {
  readonly generator: number;
  readonly proxy: number;
  /** All else: control processes, this program. The generator's where there are only two. */
  readonly rest: number;
}

/** Counters at one moment; only differences mean something. */
export interface Sample {
  /** Of a clock that never goes back. */
  readonly seconds: number;
  readonly packets: number;
  readonly bytes: number;
  /** Lost on the link because the backlog of the core was full. */
  readonly dropped: number;
  /** The kernel measures idle time; what a core does between two ticks while it is idle it finds nowhere else. */
  readonly core: {
    readonly idleTicks: number;
    readonly stealTicks: number;
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

  send(to: Path, scenario: Scenario, load: Load): Promise<Sent> {
    const family = scenario.family === 'ipv6' ? 'ipv6' : 'ipv4';
    const prefix = inNamespace(this.#topology.generatorNamespace, this.#cores.generator, []);
    const generator = TrafficGenerator.start(prefix, {
      interface: to.generatorInterface,
      destinationMac: to.mac,
      destination4: PROXY_ADDRESS.ipv4,
      destination6: PROXY_ADDRESS.ipv6,
      port: FLOW_PORT,
      sizes: [scenario.payloadBytes],
      packetsPerSecond: load.rate,
      seconds: load.ms / 1000,
      exporters: {
        first: FIRST_EXPORTER[family],
        exporters: scenario.exporters,
        addresses: scenario.rules,
      },
      isTimed: true,
      hasTemplates: scenario.isNetflow9 === true,
      isSleepless: true,
    });
    return generator.finish();
  }
}

/** One process counts for all paths. */
export class Collector implements AsyncDisposable {
  readonly #judge: Judge;
  readonly #proxyCore: number;

  constructor(topology: Topology, cores: Cores) {
    this.#judge = new Judge(inNamespace(topology.collectorNamespace, cores.generator, []));
    this.#proxyCore = cores.proxy;
  }

  sample(from: Path, pids: readonly number[]): Promise<Sample> {
    return this.#judge.ask(
      ['counters', from.collectorInterface, this.#proxyCore, ...pids].join(' '),
    );
  }

  async startRecording(from: Path): Promise<void> {
    await this.#judge.ask(`samples ${from.collectorInterface}`);
  }

  report(): Promise<Latency> {
    return this.#judge.ask('latencies');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#judge[Symbol.asyncDispose]();
  }
}

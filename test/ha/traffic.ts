/** Packets from many exporters to the service address, numbered, and counted where the collector is. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Generator } from '../../tools/traffic/generator.ts';
import { type Arrived, Judge } from '../../tools/traffic/judge.ts';
import { buildPrograms } from '../../tools/traffic/programs.ts';
import { RecordReader } from '../../tools/traffic/records.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { Ledger, type Tally } from './ledger.ts';
import { FIRST_EXPORTER, type Network, NODE_NAMES, ROUTER_MAC, SERVICE } from './network.ts';
import { monotonicMs } from './program.ts';

export const EXPORTERS = 200;
export const PACKETS_PER_SECOND = 10_000;
export const SERVICE_PORT = 2055;
/** Of output 0 under generation 0, see tools/traffic/judge/main.c. */
export const COLLECTOR_PORT = 20_000;
const EXPORTER_PORT = 2055;

const PAYLOAD_BYTES = 200;

/** A packet has come to nothing when so much later ones have arrived, and for so long none of its time. */
const SETTLE_MS = 1_500;

export class Traffic implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #ledger = new Ledger(EXPORTERS);
  readonly #generator: Generator;
  readonly #judge: Judge;
  readonly #sent: RecordReader;
  readonly #arrived: RecordReader;

  private constructor(
    parts: { generator: Generator; judge: Judge; sent: RecordReader; arrived: RecordReader },
    stack: AsyncDisposableStack,
  ) {
    this.#generator = parts.generator;
    this.#judge = parts.judge;
    this.#sent = parts.sent;
    this.#arrived = parts.arrived;
    this.#stack = stack;
  }

  /** Builds the programs and starts them. @param folder for their records */
  static async start(network: Network, folder: string): Promise<Traffic> {
    await buildPrograms();
    await using stack = new AsyncDisposableStack();
    const files = { sent: join(folder, 'sent'), arrived: join(folder, 'arrived') };
    const judge = stack.use(await startJudge(network, files.arrived));
    const generator = stack.use(startGenerator(network, files.sent));
    const sent = stack.use(new RecordReader(files.sent));
    const arrived = stack.use(new RecordReader(files.arrived));
    return new Traffic({ generator, judge, sent, arrived }, stack.move());
  }

  /** Waits until packets arrive. */
  async waitForFirst(): Promise<void> {
    await waitFor(
      () => `packets arrive; the judge says: ${this.#judge.complaints}`,
      () => {
        this.#read();
        return this.#ledger.arrivals > 0;
      },
    );
  }

  /**
   * What became of the packets that were sent between two times (monotonic ms; the end is in the past). Waits
   * a little for those still on their way.
   *
   * @throws Error when a program has ended: its figures would mean nothing
   */
  async tally(fromMs: number, toMs: number): Promise<Tally> {
    const deadline = monotonicMs() + HANG_MS;
    let least = Number.POSITIVE_INFINITY;
    let leastSinceMs = monotonicMs();
    for (;;) {
      this.#read();
      const tally = this.#ledger.tally(fromMs, toMs);
      const nowMs = monotonicMs();
      if (tally.lost < least) [least, leastSinceMs] = [tally.lost, nowMs];
      const { lastServedMs } = this.#ledger;
      if (tally.lost === 0 && lastServedMs > toMs) return tally;
      if (lastServedMs > toMs + SETTLE_MS && nowMs > leastSinceMs + SETTLE_MS) return tally;
      if (nowMs > deadline) throw new Error('no packet arrives any more');
      await delay(30);
    }
  }

  /** @throws Error when a copy came with another source, port or payload than was sent */
  async assertUndamaged(): Promise<void> {
    const { damaged, unknown, misrouted } = await this.#judge.ask<Arrived>('report');
    if (damaged + unknown + misrouted === 0) return;
    throw new Error(`copies: ${damaged} damaged, ${unknown} of nobody, ${misrouted} misrouted`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #read(): void {
    if (this.#generator.hasEnded) throw new Error('the generator has ended');
    if (this.#judge.hasEnded) throw new Error(`the judge has ended: ${this.#judge.complaints}`);
    this.#sent.read((record) => this.#ledger.addSent(record));
    this.#arrived.read((record) => this.#ledger.addArrived(record));
  }
}

/** Every exporter has an address of its own, counted up from the first. */
function exporters(): { host: string; port: number }[] {
  const [a, b, c, first = 0] = FIRST_EXPORTER.split('.').map(Number);
  return Array.from({ length: EXPORTERS }, (_, i) => ({
    host: `${a}.${b}.${c}.${first + i}`,
    port: EXPORTER_PORT,
  }));
}

/** It writes down each copy, and over which node's link it came: way 1 is node a. */
async function startJudge(network: Network, records: string): Promise<Judge> {
  await using stack = new AsyncDisposableStack();
  const judge = stack.use(new Judge(['ip', 'netns', 'exec', network.collector]));
  for (const node of NODE_NAMES) await judge.ask(`listen ${node}`);
  // Collector 198.51.100.1 is of class 0, its port the first output's.
  await judge.ask('class 0 0 1 1');
  for (const { host, port } of exporters()) await judge.ask(`stream ${host} ${port} 0`);
  await judge.ask(`records ${records}`);
  await judge.ask('start');
  stack.move();
  return judge;
}

function startGenerator(network: Network, records: string): Generator {
  return Generator.start(['ip', 'netns', 'exec', network.exporters], {
    interface: 'rtr',
    destinationMac: ROUTER_MAC,
    destination4: SERVICE,
    port: SERVICE_PORT,
    sizes: [PAYLOAD_BYTES],
    packetsPerSecond: PACKETS_PER_SECOND,
    exporters: exporters(),
    records,
    // What is measured is the proxy: the traffic is to be steady, also on a busy machine.
    isRealTime: true,
  });
}

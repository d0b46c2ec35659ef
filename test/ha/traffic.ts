/** Packets from many exporters to the service address, numbered, and counted where the collector is. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildPrograms, programPath } from '../../tools/traffic/programs.ts';
import { Program } from '../lab/program.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { Ledger, type Tally } from './ledger.ts';
import { COLLECTOR, FIRST_EXPORTER, type Network, NODE_NAMES, SERVICE } from './network.ts';
import { monotonicMs } from './program.ts';
import { RecordReader } from './record-reader.ts';

export const EXPORTERS = 200;
export const PACKETS_PER_SECOND = 10_000;
export const SERVICE_PORT = 2055;
export const COLLECTOR_PORT = 9995;

const PAYLOAD_BYTES = 200;

/** A packet has come to nothing when so much later ones have arrived, and for so long none of its time. */
const SETTLE_MS = 1_500;

export class Traffic implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #ledger = new Ledger(EXPORTERS);
  readonly #sender: Program;
  readonly #counter: Program;
  readonly #sent: RecordReader;
  readonly #arrived: RecordReader;

  private constructor(network: Network, folder: string) {
    const files = { sent: join(folder, 'sent'), arrived: join(folder, 'arrived') };
    const from = [FIRST_EXPORTER, String(EXPORTERS), String(PACKETS_PER_SECOND)];
    const to = [SERVICE, String(SERVICE_PORT), String(PAYLOAD_BYTES)];
    const at = [COLLECTOR, String(COLLECTOR_PORT), FIRST_EXPORTER];
    this.#counter = this.#stack.use(
      new Program(network.collector, [
        programPath('ha/counter'),
        ...at,
        files.arrived,
        ...NODE_NAMES,
      ]),
    );
    this.#sender = this.#stack.use(
      new Program(network.exporters, [programPath('ha/sender'), ...from, ...to, files.sent]),
    );
    this.#sent = this.#stack.use(new RecordReader(files.sent));
    this.#arrived = this.#stack.use(new RecordReader(files.arrived));
  }

  /** Builds the programs and starts them. @param folder for their records */
  static async start(network: Network, folder: string): Promise<Traffic> {
    await buildPrograms();
    return new Traffic(network, folder);
  }

  /** Waits until packets arrive. */
  async waitForFirst(): Promise<void> {
    await waitFor(
      () => `packets arrive:\n${this.#sender.log}${this.#counter.log}`,
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #read(): void {
    for (const program of [this.#sender, this.#counter]) {
      if (program.hasEnded) throw new Error(`a program of the lab has ended:\n${program.log}`);
    }
    this.#sent.read((record) => this.#ledger.addSent(record));
    this.#arrived.read((record) => this.#ledger.addArrived(record));
  }
}

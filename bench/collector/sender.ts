import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { endProcess } from '../../test/lab/shell.ts';
import { buildPrograms, programPath } from '../../tools/traffic/programs.ts';
import type { FlowTraffic } from './traffic.ts';

const END_MS = 2000;

export interface Sent {
  /** Datagrams, without that of the template. */
  readonly datagrams: number;
  /** Of them, those that left more than 20 ms after their time. */
  readonly late: number;
}

/** Sends flow to a port of 127.0.0.1, and loses nothing of it: waits while much is in the receiver's socket. */
export class FlowSender implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('replay has no output');
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** @param rate datagrams a second; 0 = as fast as they are taken @param core where it runs */
  static async start(
    { template, data }: FlowTraffic,
    { port, rate = 0, core }: { port: number; rate?: number; core: number },
  ): Promise<FlowSender> {
    await buildPrograms();
    const command = [programPath('replay'), `${port}`, `${rate}`];
    const child = spawn('taskset', ['-c', `${core}`, ...command], {
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    });
    child.stdin?.end(Buffer.concat([template, ...data].flatMap(framed)));
    return new FlowSender(child);
  }

  /** @param limit until all has been sent once, or for so many milliseconds, over and over */
  async send(limit: 'once' | number): Promise<Sent> {
    (this.#child.stdio[3] as Writable).write(`${limit}\n`);
    const { value } = await this.#lines.next();
    if (value === undefined) throw new Error('replay has ended');
    const [datagrams = 0, late = 0] = String(value).split(' ').map(Number);
    return { datagrams, late };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.#child, 'SIGTERM', END_MS);
  }
}

/** As the program reads it. */
function framed(datagram: Buffer): Buffer[] {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(datagram.length);
  return [length, datagram];
}

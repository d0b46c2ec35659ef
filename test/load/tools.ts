/**
 * The programs that make load and judge what comes of it (tools/traffic/load): a generator in the namespace of
 * the exporters, a collector in that of the collectors.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { programPath } from '../../tools/traffic/programs.ts';
import { lines } from '../lab/agent-loop.ts';
import { PROXY_V4, PROXY_V6 } from '../lab/lab.ts';
import { endProcess, hasEnded } from '../lab/shell.ts';
import { CLASSES, type LoadStream } from './plan.ts';

/** Of the proxy's link to the exporters (lab.ts). */
const PROXY_MAC = '02:f1:00:00:01:01';
const PROXY_PORT = 2055;

/** Packets that no exporter in its right mind sends; what they are says traffic/load/generator. */
export const HOSTILE_KINDS = ['storm', 'empty', 'largest', 'fragment', 'checksum'] as const;
export type HostileKind = (typeof HOSTILE_KINDS)[number];

export interface Load {
  readonly streams: readonly LoadStream[];
  /** Payloads in bytes, 40 to 65507, which the packets of a stream have by turns. */
  readonly sizes: readonly number[];
  /** Numbered packets of all streams together; 0 = as many as the generator can. */
  readonly packetsPerSecond: number;
  /** Numbered packets in all; without it the load goes on until it is stopped. */
  readonly packets?: number;
  /** Goes before whatever else its core has to do; only with a rate. */
  readonly isRealTime?: boolean;
  /** Sequence number of each stream's first packet; default 0. */
  readonly firstSequence?: number;
  readonly hostile?: {
    readonly kinds: readonly HostileKind[];
    /** 0 = as many as the generator can. */
    readonly packetsPerSecond: number;
    /** Payload of the largest ones in bytes. */
    readonly largest?: number;
  };
}

/** What a generator handed to its interface. */
export interface Sent {
  readonly numbered: number;
  /** Packets that the interface refused: they count nowhere else. */
  readonly refused: number;
  readonly seconds: number;
  readonly hostile: Readonly<Record<HostileKind, number>>;
  /** Numbered packets, by stream. */
  readonly streams: readonly number[];
}

/** What arrived at the collectors; all counts since `start`. */
export interface Arrived {
  /** Numbered packets of which at least one copy arrived. */
  readonly packets: number;
  /** Numbered packets of which none arrived; complete only after `finish`. */
  readonly missing: number;
  readonly copies: number;
  readonly bytes: number;
  /** Copies without a number: those of hostile packets. */
  readonly unnumbered: number;
  /** IP fragments after the first of their copy. */
  readonly fragments: number;
  /** Copies that came to an output twice. */
  readonly doubled: number;
  readonly disordered: number;
  /** Copies of one packet by different generations of rules. */
  readonly mixed: number;
  /** Copies by older rules than a copy before them of the same exporter. */
  readonly stale: number;
  readonly misrouted: number;
  /** Copies with another payload, length or source than was sent. */
  readonly damaged: number;
  /** Copies of packets that nobody sent. */
  readonly unknown: number;
  /** Packets that reached some of their outputs but not all; complete only after `finish`. */
  readonly incomplete: number;
  readonly copiesMissing: number;
  /** Copies that the collector itself lost: the run says nothing then. */
  readonly ringDrops: number;
  readonly destinations: readonly {
    readonly family: 4 | 6;
    readonly host: number;
    readonly output: number;
    readonly copies: number;
    readonly bytes: number;
  }[];
  readonly streams: readonly {
    readonly packets: number;
    readonly missing: number;
    readonly longestGapNs: number;
  }[];
  /** When the last packet that rules of this generation forwarded was sent. */
  readonly generations: readonly { readonly generation: number; readonly lastSentAtMs: number }[];
  /** From the generator to the collector, since `reset`. */
  readonly latency: {
    readonly count: number;
    readonly p50Ns: number;
    readonly p99Ns: number;
    readonly maxNs: number;
  };
}

function startTool(
  namespace: string,
  tool: 'generator' | 'collector',
  options: readonly string[],
): ChildProcess {
  const command = ['netns', 'exec', namespace, programPath(`load/${tool}`), ...options];
  return spawn('ip', command, { stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Numbered packets of many exporters, and hostile ones beside them. */
export class Generator implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Sent>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = outcome(child);
    this.#ended.catch(() => undefined);
  }

  /** Starts to send. */
  static start(namespace: string, load: Load): Generator {
    const child = startTool(namespace, 'generator', optionsOf(load));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(load.streams.map(({ host, port }) => `${host} ${port}\n`).join(''));
    return new Generator(child);
  }

  /** Waits for the end of a load that has one. */
  finish(): Promise<Sent> {
    return this.#ended;
  }

  stop(): Promise<Sent> {
    this.#child.kill('SIGTERM');
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.#child, 'SIGTERM', 2_000);
  }
}

function optionsOf(load: Load): string[] {
  const { sizes, packetsPerSecond, packets = 0, firstSequence = 0, hostile } = load;
  const options = {
    interface: 'prx',
    'destination-mac': PROXY_MAC,
    destination4: PROXY_V4,
    destination6: PROXY_V6,
    port: PROXY_PORT,
    sizes: sizes.join(),
    rate: packetsPerSecond,
    count: packets,
    first: firstSequence,
    ...(hostile && { hostile: hostile.kinds.join(), 'hostile-rate': hostile.packetsPerSecond }),
    ...(hostile?.largest && { largest: hostile.largest }),
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  return load.isRealTime ? [...args, '--real-time'] : args;
}

async function outcome(child: ChildProcess): Promise<Sent> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the generator has no output');
  const [said, complaint] = await Promise.all([text(stdout), text(stderr), once(child, 'close')]);
  if (child.exitCode !== 0)
    throw new Error(`the generator ended with ${child.exitCode ?? child.signalCode}: ${complaint}`);
  return JSON.parse(said) as Sent;
}

export interface CollectorOptions {
  /** Payloads arrive cut to this; default: not at all. */
  readonly bufferBytes?: number;
}

/** Judges each copy that arrives over the collectors' link. */
export class Collector implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #answers: AsyncGenerator<string>;
  #stderr = '';
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (said: string) => {
      this.#stderr += said;
    });
    child.stdin?.on('error', () => undefined);
    if (child.stdout === null) throw new Error('the collector has no output');
    this.#answers = lines(child.stdout);
  }

  /** Returns when it counts. */
  static async start(
    namespace: string,
    streams: readonly LoadStream[],
    options: CollectorOptions = {},
  ): Promise<Collector> {
    const collector = new Collector(startTool(namespace, 'collector', ['prx']));
    try {
      await collector.#answer();
      for (const [number, { destination, even, odd }] of CLASSES.entries())
        await collector.#ask(`class ${number} ${destination} ${even} ${odd}`);
      for (const { host, port, class: number } of streams)
        await collector.#ask(`stream ${host} ${port} ${number}`);
      if (options.bufferBytes !== undefined) await collector.#ask(`buffer ${options.bufferBytes}`);
      await collector.#ask('start');
    } catch (error) {
      await collector[Symbol.asyncDispose]();
      throw error;
    }
    return collector;
  }

  report(): Promise<Arrived> {
    return this.#ask<Arrived>('report');
  }

  /** Latencies and gaps start anew. */
  async reset(): Promise<void> {
    await this.#ask('reset');
  }

  /** Judges all that was sent: nothing may be under way any more. @param sent packets, by stream */
  finish(sent: readonly number[]): Promise<Arrived> {
    return this.#ask<Arrived>(`finish ${sent.join(' ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.#child, 'SIGTERM', 2_000);
  }

  /** One command at a time: answers have no names. */
  #ask<T>(command: string): Promise<T> {
    const answered = this.#turn.then(() => {
      this.#child.stdin?.write(`${command}\n`);
      return this.#answer<T>();
    });
    this.#turn = answered.catch(() => undefined);
    return answered;
  }

  async #answer<T>(): Promise<T> {
    const { value, done } = await this.#answers.next();
    if (done) {
      const how = hasEnded(this.#child) ? 'has ended' : 'has closed its output';
      throw new Error(`the collector ${how}: ${this.#stderr.trim()}`);
    }
    return JSON.parse(value) as T;
  }
}

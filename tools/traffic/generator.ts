/** Runs the generator: numbered packets of many exporters, or timed ones, and hostile ones beside them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { endProcess, hasEnded } from '../../test/lab/shell.ts';
import { programPath } from './programs.ts';

/** Packets that no exporter in its right mind sends; what they are says generator/hostile.h. */
export const HOSTILE_KINDS = [
  'storm',
  'empty',
  'largest',
  'fragment',
  'checksum',
  'templates',
] as const;
export type HostileKind = (typeof HOSTILE_KINDS)[number];

export interface Hostile {
  readonly kinds: readonly HostileKind[];
  /** 0 = as many as the generator can. */
  readonly packetsPerSecond: number;
  /** Payload of the largest ones in bytes. */
  readonly largest?: number;
}

/** An exporter endpoint. */
export interface Exporter {
  readonly host: string;
  readonly port: number;
}

/** So many exporters, over so many addresses that are counted up from the first. */
export interface ExporterPattern {
  readonly first: string;
  readonly exporters: number;
  readonly addresses: number;
}

/** Meanings, and what goes with what: generator/options.h. */
export interface Traffic {
  readonly interface: string;
  readonly destinationMac: string;
  readonly destination4?: string;
  readonly destination6?: string;
  readonly port: number;
  /** Payloads in bytes, which the packets of an exporter have by turns. */
  readonly sizes: readonly number[];
  /** Of all exporters together; 0 = as many as the generator can. */
  readonly packetsPerSecond: number;
  /** In all; without it and without seconds it goes on until it is stopped. */
  readonly packets?: number | undefined;
  readonly seconds?: number;
  /** Sequence number of each exporter's first packet; default 0. */
  readonly firstSequence?: number | undefined;
  readonly hostile?: Hostile | undefined;
  readonly exporters: readonly Exporter[] | ExporterPattern;
  /** A file for a record of each packet: see records.ts. */
  readonly records?: string;
  readonly isTimed?: boolean;
  /** Timed ones are NetFlow v9: the first of each exporter has a template, the others data. */
  readonly hasTemplates?: boolean;
  readonly isSleepless?: boolean;
  readonly isRealTime?: boolean | undefined;
}

/** What a generator handed to its interface. */
export interface Sent {
  /** Packets of the exporters. */
  readonly numbered: number;
  /** Packets that the interface refused: they count nowhere else. */
  readonly refused: number;
  readonly seconds: number;
  readonly hostile: Readonly<Record<HostileKind, number>>;
  /** Packets by exporter, when they were listed. */
  readonly streams: readonly number[];
}

export class Generator implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #outcome: Promise<Sent>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#outcome = outcomeOf(child);
    this.#outcome.catch(() => undefined);
  }

  /** Starts to send. @param prefix words before the program, such as `ip netns exec NAME` */
  static start(prefix: readonly string[], traffic: Traffic): Generator {
    const command = [...prefix, programPath('generator'), ...argumentsOf(traffic)];
    const [file = '', ...args] = command;
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(
      listed(traffic)
        .map(({ host, port }) => `${host} ${port}\n`)
        .join(''),
    );
    return new Generator(child);
  }

  get hasEnded(): boolean {
    return hasEnded(this.#child);
  }

  /** Waits for the end of traffic that has one. */
  finish(): Promise<Sent> {
    return this.#outcome;
  }

  stop(): Promise<Sent> {
    this.#child.kill('SIGTERM');
    return this.#outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.#child, 'SIGTERM', 2_000);
  }
}

function listed({ exporters }: Traffic): readonly Exporter[] {
  return 'first' in exporters ? [] : exporters;
}

function argumentsOf(traffic: Traffic): string[] {
  const { exporters, hostile } = traffic;
  const pattern = 'first' in exporters ? exporters : undefined;
  const options: Record<string, string | number | undefined> = {
    interface: traffic.interface,
    'destination-mac': traffic.destinationMac,
    destination4: traffic.destination4,
    destination6: traffic.destination6,
    port: traffic.port,
    sizes: traffic.sizes.join(),
    rate: traffic.packetsPerSecond,
    count: traffic.packets,
    seconds: traffic.seconds,
    first: traffic.firstSequence,
    'first-exporter': pattern?.first,
    exporters: pattern?.exporters,
    addresses: pattern?.addresses,
    hostile: hostile?.kinds.join(),
    'hostile-rate': hostile?.packetsPerSecond,
    largest: hostile?.largest,
    records: traffic.records,
  };
  const switches = {
    timed: traffic.isTimed,
    templates: traffic.hasTemplates,
    sleepless: traffic.isSleepless,
    'real-time': traffic.isRealTime,
  };
  return [
    ...Object.entries(options).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, `${value}`],
    ),
    ...Object.entries(switches).flatMap(([name, isOn]) => (isOn ? [`--${name}`] : [])),
  ];
}

async function outcomeOf(child: ChildProcess): Promise<Sent> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the generator has no output');
  const [said, complaint] = await Promise.all([text(stdout), text(stderr), once(child, 'close')]);
  if (child.exitCode !== 0)
    throw new Error(`the generator ended with ${child.exitCode ?? child.signalCode}: ${complaint}`);
  return JSON.parse(said) as Sent;
}

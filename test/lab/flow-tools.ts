/**
 * Real ends of the flow path, from Debian: softflowd as an exporter that turns packets into NetFlow v5, v9
 * or IPFIX, and nfcapd as a collector that records the exporter's address with every flow.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { attempt, endProcess, HANG_MS, hasEnded, run, waitFor } from './shell.ts';
import type { Bound } from './traffic.ts';

/** One flow as nfdump tells it; times are left out. */
export interface Flow {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly packets: number;
  readonly bytes: number;
}

/** A flow with the address that the collector saw it come from. */
export interface RecordedFlow extends Flow {
  readonly exporter: string;
}

const LINKTYPE_RAW = 101;
const HEADER_BYTES = 28;

/** Writes a capture with the packets of these flows (UDP over IPv4), for softflowd to read. */
export function writeCapture(file: string, flows: readonly Flow[]): void {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  const startSeconds = Math.floor(Date.now() / 1000) - 60;
  const records = flows.flatMap((flow, i) =>
    Array.from({ length: flow.packets }, (_, k) => record(flow, startSeconds + k, i * 1000)),
  );
  writeFileSync(file, Buffer.concat([header, ...records]));
}

function record(flow: Flow, seconds: number, microseconds: number): Buffer {
  const bytes = flow.bytes / flow.packets;
  const record = Buffer.alloc(16 + bytes);
  record.writeUInt32LE(seconds, 0);
  record.writeUInt32LE(microseconds, 4);
  record.writeUInt32LE(bytes, 8);
  record.writeUInt32LE(bytes, 12);
  const packet = record.subarray(16);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(bytes, 2);
  packet.writeUInt8(64, 8);
  packet.writeUInt8(17, 9);
  packet.set(flow.source.split('.').map(Number), 12);
  packet.set(flow.destination.split('.').map(Number), 16);
  packet.writeUInt16BE(flow.sourcePort, 20);
  packet.writeUInt16BE(flow.destinationPort, 22);
  packet.writeUInt16BE(bytes - HEADER_BYTES + 8, 24);
  return record;
}

/** Exports the flows of a capture, and returns when softflowd has ended. */
export async function exportFlows(
  namespace: string,
  options: { capture: string; to: Bound; version: 5 | 9 | 10; folder: string },
): Promise<void> {
  const { capture, to, version, folder } = options;
  const target = to.host.includes(':') ? `[${to.host}]:${to.port}` : `${to.host}:${to.port}`;
  // Without "none", version 1.1.0 may wait for a control connection that never comes when it reads a file.
  const files = ['-p', join(folder, 'softflowd.pid'), '-c', 'none'];
  const command = ['softflowd', '-d', '-r', capture, '-n', target, '-v', `${version}`, ...files];
  await run(['ip', 'netns', 'exec', namespace, ...command]);
}

/** A running nfcapd. */
export class FlowCollector implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  /** Returns when it listens. @param folder is made, and removed in the end */
  static async start(lab: Lab, at: Bound, folder: string): Promise<FlowCollector> {
    mkdirSync(folder, { recursive: true });
    const family = at.host.includes(':') ? '-6' : '-4';
    const command = [
      'nfcapd',
      family,
      '-b',
      at.host,
      '-p',
      `${at.port}`,
      '-w',
      folder,
      '-t',
      '3600',
    ];
    const child = spawn('ip', ['netns', 'exec', lab.collectors, ...command], { stdio: 'ignore' });
    const collector = new FlowCollector(child, folder);
    const isListening = async () => {
      if (hasEnded(child)) throw new Error(`nfcapd ended with ${child.exitCode}`);
      const sockets = await lab.run(lab.collectors, ['ss', '-Hlun', `sport = :${at.port}`]);
      return sockets.includes(`${at.port}`);
    };
    await waitFor('nfcapd listens', isListening);
    return collector;
  }

  /** Ends the collector, which makes it write its file, and returns the flows in it, sorted. */
  async flows(): Promise<RecordedFlow[]> {
    await endProcess(this.#child, 'SIGTERM', HANG_MS);
    const format = 'fmt:%sa,%sp,%da,%dp,%pkt,%byt,%ra';
    const { stdout } = await attempt([
      'nfdump',
      '-R',
      this.#folder,
      '-6',
      '-N',
      '-q',
      '-o',
      format,
    ]);
    const lines = stdout.split('\n').map((line) => line.replaceAll(' ', '').split(','));
    return lines.flatMap(toFlow).sort(byPorts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.#child, 'SIGKILL', 1_000);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function toFlow(fields: readonly string[]): RecordedFlow[] {
  const [source, sourcePort, destination, destinationPort, packets, bytes, exporter] = fields;
  if (source === undefined || destination === undefined || exporter === undefined) return [];
  return [
    {
      source,
      sourcePort: Number(sourcePort),
      destination,
      destinationPort: Number(destinationPort),
      packets: Number(packets),
      bytes: Number(bytes),
      exporter,
    },
  ];
}

function byPorts(a: Flow, b: Flow): number {
  return a.sourcePort - b.sourcePort || a.destinationPort - b.destinationPort;
}

/**
 * Captures UDP datagrams where they arrive, with tcpdump. Only what comes in over the interface counts, so
 * what a test sees has really crossed the wire. tcpdump's own losses fail the test that they would mislead.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Datagram, DatagramReader } from './datagrams.ts';
import { makeFolder } from './lab.ts';
import { CaptureReader } from './pcap.ts';
import { endProcess, hasEnded, waitFor } from './shell.ts';

/** tcpdump's ring buffer, in KiB: some 100,000 full-sized frames. */
const BUFFER_KIB = 131_072;
const CHUNK_BYTES = 1024 * 1024;

export class Capture implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #fd: number;
  readonly #frames = new CaptureReader();
  readonly #datagrams = new DatagramReader();
  readonly #arrived: Datagram[] = [];
  #stderr = '';

  private constructor(child: ChildProcess, folder: string, fd: number) {
    this.#child = child;
    this.#folder = folder;
    this.#fd = fd;
  }

  /** Returns when tcpdump listens. */
  static async start(namespace: string, device: string): Promise<Capture> {
    const folder = makeFolder('capture');
    const file = join(folder, 'arrived.pcap');
    const fd = openSync(file, 'a+');
    const options = ['-i', device, '-Q', 'in', '-U', '--immediate-mode', '-B', `${BUFFER_KIB}`];
    const command = ['netns', 'exec', namespace, 'tcpdump', '-n', '-Z', 'root', ...options];
    const child = spawn('ip', [...command, '-w', file, 'udp'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const capture = new Capture(child, folder, fd);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      capture.#stderr += text;
    });
    await waitFor(
      () => `tcpdump listens; it says: ${capture.#stderr}`,
      () => capture.#stderr.includes('listening on') || hasEnded(child),
    );
    if (hasEnded(child)) throw new Error(`tcpdump ended: ${capture.#stderr}`);
    return capture;
  }

  /** All that has arrived so far, in the order of arrival. */
  arrived(): readonly Datagram[] {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const bytes = readSync(this.#fd, chunk);
      if (bytes === 0) return this.#arrived;
      for (const frame of this.#frames.push(chunk.subarray(0, bytes))) {
        const datagram = this.#datagrams.push(frame);
        if (datagram !== undefined) this.#arrived.push(datagram);
      }
    }
  }

  /** Fragments that never became a datagram. */
  get incomplete(): number {
    return this.#datagrams.incomplete;
  }

  /**
   * Ends the capture.
   * @throws Error when the kernel dropped frames before tcpdump took them: what arrived is not all then
   */
  async stop(): Promise<readonly Datagram[]> {
    await endProcess(this.#child, 'SIGINT', 5_000);
    const dropped = /(\d+) packets dropped by kernel/.exec(this.#stderr)?.[1];
    if (dropped !== '0') throw new Error(`tcpdump lost frames: ${this.#stderr.trim()}`);
    return this.arrived();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.#child, 'SIGKILL', 1_000);
    closeSync(this.#fd);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * Captures UDP datagrams where they arrive, with tcpdump. Only what comes in over the interface counts, so
 * what a test sees has really crossed the wire. tcpdump's own losses fail the test that they would mislead.
 *
 * Frames come through a pipe, not a file: a disk that is busy with other tests must not hold up tcpdump.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Datagram, DatagramReader } from './datagrams.ts';
import { CaptureReader } from './pcap.ts';
import { endProcess, HANG_MS, hasEnded, waitFor } from './shell.ts';

/** tcpdump's ring buffer, in KiB: 65,000 frames of 2 KiB. */
const BUFFER_KIB = 131_072;
const LINK_HEADER_BYTES = 14;

export class Capture implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #frames = new CaptureReader();
  readonly #datagrams = new DatagramReader();
  readonly #arrived: Datagram[] = [];
  /** Not read yet: while traffic flows, cores are better spent on it. */
  #chunks: Buffer[] = [];
  readonly #closed: Promise<unknown>;
  #stderr = '';
  #isStopped = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = once(child, 'close');
    child.stdout?.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
  }

  /**
   * Returns when tcpdump listens.
   *
   * @param mtu of the link: tcpdump's ring buffer has room for as many frames as have this size, and by
   *   default it takes every frame for one of 64 KiB
   */
  static async start(namespace: string, device: string, mtu = 1500): Promise<Capture> {
    const options = [
      '-i',
      device,
      '-Q',
      'in',
      '-U',
      '--immediate-mode',
      '-B',
      `${BUFFER_KIB}`,
      '-s',
      `${mtu + LINK_HEADER_BYTES}`,
    ];
    const command = ['tcpdump', '-n', '-Z', 'root', ...options, '-w', '-', 'udp'];
    const child = spawn('ip', ['netns', 'exec', namespace, ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const capture = new Capture(child);
    await waitFor(
      () => `tcpdump listens; it says: ${capture.#stderr}`,
      () => capture.#stderr.includes('listening on') || hasEnded(child),
    );
    if (hasEnded(child)) throw new Error(`tcpdump ended: ${capture.#stderr}`);
    return capture;
  }

  /** All that has arrived so far, in the order of arrival. */
  arrived(): readonly Datagram[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const frame of chunks.flatMap((chunk) => this.#frames.push(chunk))) {
      const datagram = this.#datagrams.push(frame);
      if (datagram !== undefined) this.#arrived.push(datagram);
    }
    return this.#arrived;
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
    this.#isStopped = true;
    await endProcess(this.#child, 'SIGINT', HANG_MS);
    await this.#closed;
    const dropped = /(\d+) packets dropped by kernel/.exec(this.#stderr)?.[1];
    if (dropped !== '0') throw new Error(`tcpdump lost frames: ${this.#stderr.trim()}`);
    return this.arrived();
  }

  /** @throws Error like stop(): a test must not pass, nor blame the proxy, for what tcpdump lost */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isStopped) await this.stop();
  }
}

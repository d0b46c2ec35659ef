import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import { message } from './batcher.ts';
import { framed } from './framing.ts';
import type { Link, Outcome } from './link.ts';

/** So many are given to the kernel before the first answer is looked at. */
const AT_ONCE = 64;
const TOO_LARGE = 'EMSGSIZE';

/** Sends each message in a datagram of its own. That nobody listens is known when the peer's host says so. */
export class DatagramLink implements Link {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #framing: Parameters<typeof framed>[1];
  #socket: Socket | undefined;

  constructor(
    address: { readonly host: string; readonly port: number },
    framing: Parameters<typeof framed>[1],
  ) {
    this.#address = address;
    this.#framing = framing;
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { address, family } = await lookup(this.#address.host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    this.#socket = socket;
    const connected = once(socket, 'connect', { signal });
    socket.connect(this.#address.port, address);
    await connected;
    // Errors come with the send that they hinder.
    socket.on('error', () => undefined);
  }

  async send(batch: EncodedBatch, signal: AbortSignal): Promise<Outcome | undefined> {
    const refused: number[] = [];
    for (let first = 0; first < batch.ends.length; first += AT_ONCE) {
      signal.throwIfAborted();
      const indexes = Array.from(
        { length: Math.min(AT_ONCE, batch.ends.length - first) },
        (_, i) => first + i,
      );
      const results = await Promise.all(indexes.map((i) => this.#sendOne(message(batch, i))));
      const failed = results.findIndex((error) => error !== undefined && error.code !== TOO_LARGE);
      refused.push(
        ...indexes.filter((_, i) => results[i]?.code === TOO_LARGE && (failed < 0 || i < failed)),
      );
      if (failed < 0) continue;
      const again = Array.from(
        { length: batch.ends.length - first - failed },
        (_, i) => first + failed + i,
      );
      return { refused, again, error: results[failed] as Error };
    }
    if (refused.length === 0) return undefined;
    return {
      refused,
      error: new Error(
        `${refused.length} messages are larger than a datagram can be: lower records_per_message`,
      ),
    };
  }

  async close(): Promise<void> {
    this.#socket?.close();
    this.#socket = undefined;
  }

  #sendOne(text: Buffer): Promise<NodeJS.ErrnoException | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#socket === undefined) reject(new Error('not connected'));
      else this.#socket.send(this.#framed(text), (error) => resolve(error ?? undefined));
    });
  }

  #framed(bytes: Buffer): Buffer {
    return framed({ bytes, ends: Uint32Array.of(bytes.length), records: 0 }, this.#framing);
  }
}

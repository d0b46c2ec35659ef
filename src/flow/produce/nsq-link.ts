import type { EncodedBatch } from '../model/encoded-batch.ts';
import { message, pick } from './batcher.ts';
import type { Link, LinkEvents, Outcome } from './link.ts';
import type { Name } from './names.ts';
import type { NsqOptions } from './nsq.ts';
import { NsqConnection, NsqError } from './nsq-connection.ts';

/** Errors that are about messages, not about the connection or the topic. */
const REFUSALS = ['E_BAD_MESSAGE', 'E_BAD_BODY'];

/** Publishes to one of several nsqd. */
export class NsqLink implements Link {
  readonly #options: NsqOptions;
  readonly #topic: Name;
  readonly #events: LinkEvents;
  /** Which of the servers it is; workers begin with different ones. */
  #server: number;
  #connection: NsqConnection | undefined;
  /** One of its messages is not taken: they go one by one. */
  #suspect: EncodedBatch | undefined;

  constructor(options: NsqOptions, topic: Name, events: LinkEvents, shard: number) {
    this.#options = options;
    this.#topic = topic;
    this.#events = events;
    this.#server = shard;
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { servers } = this.#options;
    // One that fails now, or breaks later, is followed by the next one.
    const address = servers[this.#server++ % servers.length] as (typeof servers)[number];
    let connection: NsqConnection | undefined;
    connection = await NsqConnection.open(address, this.#options, signal, (error) => {
      if (connection !== undefined && this.#connection === connection) this.#events.lost(error);
    });
    this.#connection = connection;
  }

  async send(batch: EncodedBatch): Promise<Outcome | undefined> {
    const limit = this.#options.max_message_bytes;
    const indexes = Array.from(batch.ends.keys());
    const refused = indexes.filter(
      (i) => message(batch, i).length > limit || message(batch, i).length === 0,
    );
    const error = new Error(
      `${refused.length} messages are empty or larger than max_message_bytes (${limit})`,
    );
    if (batch === this.#suspect) return this.#sendOneByOne(batch);
    const fitting =
      refused.length === 0
        ? batch
        : pick(
            batch,
            indexes.filter((i) => !refused.includes(i)),
          );
    if (fitting.ends.length > 0) await this.#publish(fitting, batch);
    return refused.length === 0 ? undefined : { refused, error };
  }

  async close(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #publish(fitting: EncodedBatch, batch: EncodedBatch): Promise<void> {
    try {
      await this.#command(`MPUB ${this.#topic.for(batch.protocol)}`, multiBody(fitting));
    } catch (error) {
      if (isRefusal(error)) this.#suspect = batch;
      throw error;
    }
  }

  async #sendOneByOne(batch: EncodedBatch): Promise<Outcome | undefined> {
    const topic = this.#topic.for(batch.protocol);
    for (const i of batch.ends.keys()) {
      try {
        await this.#command(`PUB ${topic}`, message(batch, i));
      } catch (error) {
        const later = Array.from(batch.ends.keys()).slice(i + 1);
        // nsqd closes the connection after it: what is behind is sent by another one.
        if (isRefusal(error)) return { refused: [i], again: later, error: error as Error };
        if (i === 0) throw error;
        return { again: [i, ...later], error: error as Error };
      }
    }
    return undefined;
  }

  async #command(command: string, body: Buffer): Promise<void> {
    if (this.#connection === undefined) throw new Error('not connected');
    const answer = await this.#connection.command(command, body);
    if (answer.toString() !== 'OK')
      throw new Error(`nsqd answered ${answer.toString().slice(0, 100)}`);
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof NsqError && REFUSALS.includes(error.code);
}

/** The body of MPUB: the number of messages, and each with its length before it. */
function multiBody({ bytes, ends }: EncodedBatch): Buffer {
  const body = Buffer.allocUnsafe(4 + bytes.length + ends.length * 4);
  body.writeUInt32BE(ends.length, 0);
  let at = 4;
  let begin = 0;
  for (const end of ends) {
    body.writeUInt32BE(end - begin, at);
    bytes.copy(body, at + 4, begin, end);
    at += 4 + end - begin;
    begin = end;
  }
  return body;
}

import {
  compatibilityPartitioner,
  findErrorBy,
  type MessageToProduce,
  type ProduceResult,
  Producer,
  type ProducerOptions,
  type SASLOptions,
} from '@platformatic/kafka';
import { messageOf } from '../../base/errors.ts';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import { message } from './batcher.ts';
import type { KafkaOptions } from './kafka.ts';
import type { Link, LinkEvents, Outcome } from './link.ts';
import type { Name } from './names.ts';
import { tlsSettings } from './tls.ts';

/** Answers for one message, whatever it is sent with: it will never be taken. */
const REFUSALS = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
];

type Client = Producer<Buffer, Buffer, Buffer, Buffer>;
type Message = MessageToProduce<Buffer, Buffer, Buffer, Buffer> & { readonly partition: number };

/** A connection to a Kafka cluster. Attempts are made by who uses it, not by the library. */
export class KafkaLink implements Link {
  readonly #options: KafkaOptions;
  readonly #topic: Name;
  readonly #events: LinkEvents;
  #client: Client | undefined;
  /** The partition of messages without key: another one for each batch. */
  #turn = 0;

  constructor(options: KafkaOptions, topic: Name, events: LinkEvents) {
    this.#options = options;
    this.#topic = topic;
    this.#events = events;
  }

  async connect(): Promise<void> {
    const client: Client = new Producer(await this.#settings());
    this.#client = client;
    client.connections.on('connecting', ({ connection }) => {
      // The library forgets a connection after its first error, open as it may be, and hears no other one, which then
      // ends the process.
      connection.on('error', () => connection.socket?.destroy());
    });
    try {
      // The brokers are there, and say who they are; topics that are known by now as well.
      await client.metadata({ topics: this.#topic.byProtocol ? [] : [this.#topic.for(undefined)] });
    } catch (error) {
      throw readable(error);
    }
  }

  async send(batch: EncodedBatch): Promise<Outcome | undefined> {
    const topic = this.#topic.for(batch.protocol);
    try {
      const partitions = await this.#partitionsOf(topic);
      const { keys } = batch;
      const turn = this.#turn++;
      const messages = Array.from(batch.ends, (_, i): Message => {
        const key = keys?.[i];
        const partition =
          (key?.length ? compatibilityPartitioner({} as never, key) : turn) % partitions;
        return { topic, partition, value: message(batch, i), ...(key?.length && { key }) };
      });
      return await this.#sendAll(messages);
    } catch (error) {
      throw readable(error);
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close().catch(() => undefined);
  }

  async #sendAll(messages: readonly Message[]): Promise<Outcome | undefined> {
    const refused: number[] = [];
    const groups = [Array.from(messages.keys())];
    let error: Error | undefined;
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      const failure = await this.#produce(group.map((i) => messages[i] as Message));
      if (failure === undefined) continue;
      error = readable(failure);
      const left = group.filter((i) => !hasTaken(failure, messages[i] as Message));
      if (!isRefusal(failure)) {
        const again = [...left, ...groups.flat()];
        return this.#broken({ refused: ascending(refused), again, error }, messages.length);
      }
      // Together they are too many, or one of them is to blame: it is found by halves.
      const half = left.length >> 1;
      if (left.length === 1) refused.push(...left);
      else groups.unshift(left.slice(0, half), left.slice(half));
    }
    return error === undefined ? undefined : { refused: ascending(refused), error };
  }

  /** Some brokers may have taken their part: only the rest is sent again, by a connection that is made anew. */
  #broken(outcome: Outcome & { readonly again: readonly number[] }, messages: number): Outcome {
    if (outcome.again.length === messages) throw outcome.error;
    setImmediate(() => this.#events.lost(outcome.error));
    return outcome;
  }

  /** @returns what went wrong */
  async #produce(messages: Message[]): Promise<Error | undefined> {
    const client = this.#client;
    if (client === undefined) return new Error('not connected');
    const { acks, compression } = this.#options;
    try {
      const { unwritableNodes = [] } = await client.send({
        messages,
        acks: acks === 'all' ? -1 : acks,
        compression,
      });
      return unwritableNodes.length > 0
        ? new Error('a broker takes no more at present')
        : undefined;
    } catch (error) {
      return error as Error;
    }
  }

  async #partitionsOf(topic: string): Promise<number> {
    if (this.#client === undefined) throw new Error('not connected');
    const { topics } = await this.#client.metadata({ topics: [topic], autocreateTopics: true });
    const count = topics.get(topic)?.partitionsCount ?? 0;
    if (count === 0) throw new Error(`the topic ${topic} has no partitions`);
    return count;
  }

  async #settings(): Promise<ProducerOptions<Buffer, Buffer, Buffer, Buffer>> {
    const { brokers, client_id, tls, sasl, max_in_flight } = this.#options;
    const { connect_timeout, send_timeout } = this.#options;
    const authentication = sasl && {
      sasl: {
        mechanism: sasl.mechanism.toUpperCase() as SASLOptions['mechanism'],
        username: sasl.username,
        password: sasl.password,
      },
    };
    return {
      clientId: client_id,
      bootstrapBrokers: brokers,
      autocreateTopics: true,
      // A leader that has moved is found at once; other attempts come with their delays from outside.
      retries: 1,
      retryDelay: 100,
      connectTimeout: connect_timeout,
      requestTimeout: send_timeout,
      timeout: send_timeout,
      maxInflights: max_in_flight,
      ...(tls && {
        tls: await tlsSettings(tls),
        ...(tls.server_name === undefined && { tlsServerName: true }),
      }),
      ...authentication,
    };
  }
}

/** Of an error of the library: whether the partition of a message was written nevertheless, because another one failed. */
function hasTaken(error: Error, { topic, partition }: Message): boolean {
  const { produced } = error as { produced?: ProduceResult };
  return (
    produced?.offsets?.some(
      (written) => written.topic === topic && written.partition === partition,
    ) ?? false
  );
}

function ascending(indexes: readonly number[]): number[] {
  return indexes.toSorted((a, b) => a - b);
}

function isRefusal(error: unknown): boolean {
  return REFUSALS.some((id) => findErrorBy(error as Error, 'apiId', id) !== null);
}

/** The library puts what happened into the causes of its errors. */
function readable(thrown: unknown): Error {
  const reasons = new Set<string>();
  collect(thrown, reasons);
  return new Error([...reasons].join('; '), { cause: thrown });
}

function collect(thrown: unknown, reasons: Set<string>): void {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    for (const error of thrown.errors) collect(error, reasons);
  } else if (thrown instanceof Error && thrown.cause instanceof Error) {
    collect(thrown.cause, reasons);
  } else {
    const { apiId } = thrown as { apiId?: string };
    // What brokers answer has a name, and an explanation of some sentences.
    const [first = ''] = messageOf(thrown).split('. ');
    reasons.add(apiId === undefined ? first : `${apiId} (${first})`);
  }
}

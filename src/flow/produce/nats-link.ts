import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  type TlsOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { messageOf } from '../../base/errors.ts';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import { message } from './batcher.ts';
import type { Link, LinkEvents, Outcome } from './link.ts';
import type { Name } from './names.ts';
import type { NatsOptions } from './nats.ts';
import { tlsSettings } from './tls.ts';

const PING_MS = 10_000;
/** The library's name for the error when nobody answers. */
const NO_STREAM = 'JetStreamNotEnabled';

/** A connection to a NATS server. Attempts are made by who uses it, not by the library. */
export class NatsLink implements Link {
  protected readonly options: NatsOptions;
  protected connection: NatsConnection | undefined;
  readonly #subject: Name;
  readonly #events: LinkEvents;
  readonly #client: string;

  constructor(options: NatsOptions, subject: Name, events: LinkEvents, client: string) {
    this.options = options;
    this.#subject = subject;
    this.#events = events;
    this.#client = client;
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { servers, tls, connect_timeout } = this.options;
    const authenticator = await authenticatorFor(this.options);
    const connection = await connect({
      servers,
      name: this.#client,
      reconnect: false,
      timeout: connect_timeout,
      pingInterval: PING_MS,
      noAsyncTraces: true,
      ...(tls && { tls: (await tlsSettings(tls)) as TlsOptions }),
      ...(authenticator && { authenticator }),
    });
    this.connection = connection;
    const ended = (error: unknown) => {
      if (this.connection !== connection) return;
      const closed = new Error('the server closed the connection');
      this.#events.lost(error instanceof Error ? error : closed);
    };
    connection.closed().then(ended, ended);
    if (signal.aborted) await this.close();
  }

  async send(batch: EncodedBatch, signal: AbortSignal): Promise<Outcome | undefined> {
    const { connection } = this;
    if (connection === undefined) throw new Error('not connected');
    const limit = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    const subject = this.#subject.for(batch.protocol);
    const refused: number[] = [];
    const fitting: number[] = [];
    for (const i of batch.ends.keys())
      (message(batch, i).length > limit ? refused : fitting).push(i);
    await this.publish(connection, subject, batch, fitting, signal);
    if (refused.length === 0) return undefined;
    const error = new Error(
      `${refused.length} messages are larger than the server takes (max_payload ${limit}): lower records_per_message`,
    );
    return { refused, error };
  }

  async close(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    await connection?.close().catch(() => undefined);
  }

  /** Sends messages of a batch; resolves when the other side has them. */
  protected async publish(
    connection: NatsConnection,
    subject: string,
    batch: EncodedBatch,
    indexes: readonly number[],
    _signal: AbortSignal,
  ): Promise<void> {
    for (const i of indexes) connection.publish(subject, message(batch, i));
    // The server has read all that came before the answer to this.
    await connection.flush();
  }
}

/** Publishes to a stream of JetStream, with acknowledgements. */
export class JetStreamLink extends NatsLink {
  readonly #prefix = randomUUID();
  /** The number of the first message: the same when a batch is sent again, so the stream knows them. */
  readonly #numbers = new WeakMap<EncodedBatch, number>();
  #next = 0;

  protected override async publish(
    connection: NatsConnection,
    subject: string,
    batch: EncodedBatch,
    indexes: readonly number[],
    signal: AbortSignal,
  ): Promise<void> {
    const client = jetstream(connection, { timeout: this.options.send_timeout });
    const first = this.#firstNumber(batch);
    const waiting: Promise<unknown>[] = [];
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => undefined);
    for (const [n, i] of indexes.entries()) {
      signal.throwIfAborted();
      const msgID = `${this.#prefix}-${first + i}`;
      const acknowledged = this.#publishOne(client, subject, message(batch, i), msgID);
      acknowledged.catch(failure.reject);
      waiting.push(acknowledged);
      const before = waiting[n - this.options.max_in_flight];
      if (before !== undefined) await Promise.race([before, failure.promise]);
    }
    await Promise.race([Promise.all(waiting), failure.promise]);
  }

  async #publishOne(
    client: JetStreamClient,
    subject: string,
    payload: Buffer,
    msgID: string,
  ): Promise<void> {
    try {
      await client.publish(subject, payload, { msgID, retries: 0 });
    } catch (error) {
      if (!(error instanceof Error) || error.name !== NO_STREAM) throw error;
      throw new Error(`no JetStream stream takes ${subject}: make one with this subject`);
    }
  }

  #firstNumber(batch: EncodedBatch): number {
    let first = this.#numbers.get(batch);
    if (first === undefined) {
      first = this.#next;
      this.#next += batch.ends.length;
      this.#numbers.set(batch, first);
    }
    return first;
  }
}

async function authenticatorFor(options: NatsOptions): Promise<Authenticator | undefined> {
  const { user, password, token, nkey_seed, creds_file } = options;
  if (user !== undefined) return usernamePasswordAuthenticator(user, password ?? '');
  if (token !== undefined) return tokenAuthenticator(token);
  if (nkey_seed !== undefined) return nkeyAuthenticator(Buffer.from(nkey_seed));
  if (creds_file !== undefined) return credsAuthenticator(await readSecret(creds_file));
  return undefined;
}

async function readSecret(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Error(`the file ${file} cannot be read: ${messageOf(error)}`);
  }
}

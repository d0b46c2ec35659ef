/** A connection to nsqd: https://nsq.io/clients/tcp_protocol_spec.html */
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { z } from 'zod';
import { DeflateChannel, PlainChannel, type StreamChannel } from './channel.ts';
import type { NsqOptions } from './nsq.ts';
import { connectStream, secure } from './stream-socket.ts';

const MAGIC = '  V2';
const FRAME = { response: 0, error: 1 } as const;
/** Size and type. */
const FRAME_HEADER = 8;
/** Answers are short: what announces more is no nsqd. */
const LONGEST_FRAME = 1024 * 1024;
const HEARTBEAT = '_heartbeat_';

/** What nsqd says of itself. */
const identity = z.looseObject({
  tls_v1: z.boolean().default(false),
  deflate: z.boolean().default(false),
  auth_required: z.boolean().default(false),
});

/** An error that nsqd answered. Most end the connection. */
export class NsqError extends Error {
  /** `E_INVALID`, `E_BAD_TOPIC`, `E_BAD_MESSAGE`, … */
  readonly code: string;

  constructor(text: string) {
    super(`nsqd answered ${text}`);
    this.code = text.split(' ', 1)[0] ?? '';
  }
}

export class NsqConnection {
  readonly #options: NsqOptions;
  readonly #lost: (error: Error) => void;
  #channel: StreamChannel;
  #received: Buffer = Buffer.alloc(0);
  /** Behind the next frame another kind of stream begins: TLS, deflate. */
  #switches = false;
  /** It has begun, as far as it is there in what was received. */
  #held = false;
  #error: Error | undefined;
  /** Who waits for an answer. */
  #waiting: PromiseWithResolvers<Buffer> | undefined;
  #silence: NodeJS.Timeout | undefined;

  private constructor(socket: Socket, options: NsqOptions, lost: (error: Error) => void) {
    this.#options = options;
    this.#lost = lost;
    this.#channel = this.#plain(socket);
  }

  /** Connects, negotiates, authenticates. @param lost called when the connection ends by itself afterwards */
  static async open(
    address: { readonly host: string; readonly port: number },
    options: NsqOptions,
    signal: AbortSignal,
    lost: (error: Error) => void,
  ): Promise<NsqConnection> {
    const socket = await connectStream(address, undefined, signal);
    const connection = new NsqConnection(socket, options, lost);
    const close = () => connection.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      await connection.#negotiate(socket, address, signal);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  /** Sends a command; one at a time. @throws NsqError, or Error when the connection broke */
  async command(line: string, body: Buffer, switches = false): Promise<Buffer> {
    const answer = this.#answer(switches);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    this.#channel.write(Buffer.concat([Buffer.from(`${line}\n`), length, body]));
    return answer;
  }

  close(): void {
    clearTimeout(this.#silence);
    this.#error ??= new Error('closed');
    this.#channel.destroy();
    this.#waiting?.reject(this.#error);
  }

  async #negotiate(
    socket: Socket,
    address: { readonly host: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { tls, compression, secret, heartbeat, client_id } = this.#options;
    const deflate = compression === 'deflate';
    this.#channel.write(Buffer.from(MAGIC));
    const wanted = {
      client_id,
      hostname: hostname(),
      user_agent: 'floxy',
      feature_negotiation: true,
      heartbeat_interval: heartbeat,
      tls_v1: tls !== undefined,
      deflate,
    };
    const switches = tls !== undefined || deflate;
    const answer = await this.command('IDENTIFY', Buffer.from(JSON.stringify(wanted)), switches);
    const offered = identityIn(answer);
    if (tls !== undefined) {
      if (!offered.tls_v1)
        throw new Error('nsqd offers no TLS (--tls-cert): it is not done without');
      this.#channel.release();
      socket = await secure(socket, address, tls, signal);
      this.#channel = this.#plain(socket);
      await this.#answer(deflate);
    }
    if (deflate) {
      if (!offered.deflate) throw new Error('nsqd offers no deflate (--deflate)');
      this.#channel.release();
      const begun = this.#received;
      this.#received = Buffer.alloc(0);
      this.#channel = this.#watch(new DeflateChannel(socket, begun));
      await this.#answer();
    }
    if (secret !== undefined) await this.command('AUTH', Buffer.from(secret));
    else if (offered.auth_required) throw new Error('nsqd wants a secret: set secret');
    this.#expectHeartbeat();
  }

  #plain(socket: Socket): StreamChannel {
    return this.#watch(new PlainChannel(socket));
  }

  #watch(channel: StreamChannel): StreamChannel {
    channel.listen(
      (bytes) => this.#take(bytes),
      (error) => this.#end(error),
    );
    return channel;
  }

  /** @param switches what comes behind it is another kind of stream */
  #answer(switches = false): Promise<Buffer> {
    this.#switches = switches;
    this.#held = false;
    if (this.#error !== undefined) return Promise.reject(this.#error);
    this.#waiting = Promise.withResolvers<Buffer>();
    return this.#waiting.promise;
  }

  #end(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    clearTimeout(this.#silence);
    this.#waiting?.reject(error);
    this.#lost(error);
  }

  #take(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    while (!this.#held && this.#received.length >= FRAME_HEADER) {
      const size = this.#received.readUInt32BE(0);
      if (size < 4 || size > LONGEST_FRAME) {
        this.#end(
          new Error(`the peer does not speak the protocol of nsqd (a frame of ${size} octets)`),
        );
        this.#channel.destroy();
        return;
      }
      if (this.#received.length < size + 4) return;
      const type = this.#received.readUInt32BE(4);
      const data = this.#received.subarray(FRAME_HEADER, size + 4);
      this.#received = this.#received.subarray(size + 4);
      this.#held = this.#switches;
      this.#frame(type, data);
    }
  }

  #frame(type: number, data: Buffer): void {
    if (type === FRAME.response && data.toString() === HEARTBEAT) {
      this.#channel.write(Buffer.from('NOP\n'));
      this.#expectHeartbeat();
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (type === FRAME.error) {
      const error = new NsqError(data.toString());
      if (waiting !== undefined) waiting.reject(error);
      else this.#end(error);
    } else {
      waiting?.resolve(data);
    }
  }

  #expectHeartbeat(): void {
    clearTimeout(this.#silence);
    const limit = this.#options.heartbeat * 2;
    this.#silence = setTimeout(() => {
      this.#end(new Error(`no heartbeat within ${limit} ms`));
      this.#channel.destroy();
    }, limit).unref();
  }
}

function identityIn(answer: Buffer): z.output<typeof identity> {
  try {
    return identity.parse(JSON.parse(answer.toString()));
  } catch {
    throw new Error(
      `nsqd does not negotiate: it answered ${answer.toString().slice(0, 100)} to IDENTIFY`,
    );
  }
}

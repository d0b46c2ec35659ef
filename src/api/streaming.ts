import {
  type handleServerStreamingCall,
  type MethodDefinition,
  type ServerWritableStream,
  status as Status,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { FloxyError } from '../base/errors.ts';
import { readAddressFormat } from '../protocol/headers.ts';
import type { AddressFormat } from '../rules/endpoint-message.ts';
import { type CallStatus, statusOf } from './status.ts';
import { decodePart, peerOf } from './unary.ts';

/** What a stream is asked for fits into this many times over. */
const MAX_REQUEST_BYTES = 4096;

/** A client that reads nothing for so long is cut off: what it has not read takes memory here. */
const READ_LIMIT_MS = 30_000;

export interface StreamContext {
  readonly addressFormat: AddressFormat;
  /** Aborted when the client has gone or the service stops: nobody waits for more then. */
  readonly signal: AbortSignal;
}

/** Yields the messages of the answer. Throws a FloxyError for an expected failure. */
export type StreamHandler<Request> = (
  request: Request,
  context: StreamContext,
) => AsyncIterable<object>;

type RawStream = ServerWritableStream<Buffer, Buffer>;

const STOPPING: CallStatus = { code: Status.UNAVAILABLE, details: 'the service is stopping' };

export interface ServerStreamsOptions {
  /** Open at the same time; one more is refused with RESOURCE_EXHAUSTED. */
  readonly limit: number;
  readonly log: Logger;
  readonly readLimitMs?: number;
}

/**
 * Methods that answer with a stream of messages: as unary() for those that answer with one. Waits for clients
 * that read slowly, and lets go of what belongs to a stream when it ends, however that comes about.
 */
export class ServerStreams {
  readonly #limit: number;
  readonly #log: Logger;
  readonly #readLimitMs: number;
  /** How to end the streams that are open. */
  readonly #open = new Map<RawStream, AbortController>();
  #isStopped = false;

  constructor({ limit, log, readLimitMs = READ_LIMIT_MS }: ServerStreamsOptions) {
    this.#limit = limit;
    this.#log = log;
    this.#readLimitMs = readLimitMs;
  }

  get size(): number {
    return this.#open.size;
  }

  method(
    method: MethodDefinition<object, object>,
    handler: StreamHandler<never>,
  ): handleServerStreamingCall<Buffer, Buffer> {
    return (call) => {
      this.#run(method, handler, call).catch((thrown) => {
        this.#log.error({ err: thrown, call: method.path }, 'a stream could not be ended');
      });
    };
  }

  /** Ends every stream with UNAVAILABLE, and refuses new ones. */
  stop(): void {
    this.#isStopped = true;
    for (const controller of this.#open.values()) controller.abort(STOPPING);
  }

  async #run(
    method: MethodDefinition<object, object>,
    handler: StreamHandler<never>,
    call: RawStream,
  ): Promise<void> {
    const controller = new AbortController();
    const gone = () => controller.abort();
    call.on('cancelled', gone);
    call.on('close', gone);
    try {
      this.#admit(call, controller);
      await this.#answer(method, handler, { call, signal: controller.signal });
      const reason: unknown = controller.signal.reason;
      if (reason === STOPPING) call.emit('error', STOPPING);
      else call.end();
    } catch (thrown) {
      if (!(thrown instanceof FloxyError)) {
        this.#log.error({ err: thrown, call: method.path }, 'stream failed by an internal error');
      }
      call.emit('error', statusOf(thrown));
    } finally {
      this.#open.delete(call);
    }
  }

  #admit(call: RawStream, controller: AbortController): void {
    if (this.#isStopped) throw new FloxyError('NOT_READY', STOPPING.details);
    if (this.#open.size >= this.#limit) {
      const message = `${this.#limit} callers watch already: end one of them, and try again`;
      throw new FloxyError('LIMIT_EXCEEDED', message);
    }
    this.#open.set(call, controller);
  }

  async #answer(
    method: MethodDefinition<object, object>,
    handler: StreamHandler<never>,
    { call, signal }: { call: RawStream; signal: AbortSignal },
  ): Promise<void> {
    const addressFormat = readAddressFormat(call.metadata);
    if (call.request.length > MAX_REQUEST_BYTES) {
      const message = `the request has ${call.request.length} bytes, more than ${MAX_REQUEST_BYTES}`;
      throw new FloxyError('INVALID_INPUT', message);
    }
    // What a method decodes to is known to its handler only.
    const request = decodePart(method, call.request) as never;
    for await (const message of handler(request, { addressFormat, signal })) {
      if (signal.aborted) return;
      if (!call.write(method.responseSerialize(message))) await this.#drained(call, signal);
      if (signal.aborted) return;
    }
  }

  /** Waits until the client has read what was written, or is gone. */
  #drained(call: RawStream, signal: AbortSignal): Promise<void> {
    if (!call.writableNeedDrain || signal.aborted) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const limit = setTimeout(() => {
      this.#log.warn({ peer: peerOf(call) }, 'stream cut: its client does not read');
      const message = `the client has read nothing for ${this.#readLimitMs / 1000} s`;
      reject(new FloxyError('NOT_READY', message));
    }, this.#readLimitMs);
    const goOn = () => resolve();
    call.once('drain', goOn);
    signal.addEventListener('abort', goOn);
    return promise.finally(() => {
      clearTimeout(limit);
      call.off('drain', goOn);
      signal.removeEventListener('abort', goOn);
    });
  }
}

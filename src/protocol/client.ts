/** The one client of gRPC services: deadline, TLS, and failures that say what is in the way. */
import { readFileSync } from 'node:fs';
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
  status as Status,
} from '@grpc/grpc-js';
import { FloxyError, messageOf } from '../base/errors.ts';
import { withoutControls } from '../base/text.ts';
import { AUTHORIZATION_HEADER } from './bearer.ts';

/** Where a service is and how to talk to it. */
export interface ClientTarget {
  /** `host:port`, IPv6 addresses in brackets; or `unix:/path`. */
  readonly target: string;
  /** undefined = no TLS. */
  readonly tls: TlsAccess | undefined;
  /** What the header `authorization` of each call has: see bearer.ts. */
  readonly authorization?: string | undefined;
}

/** PEM files. */
export interface TlsAccess {
  /** The authorities that may sign the service's certificate; without them, those that Node.js trusts. */
  readonly caPath: string | undefined;
  readonly certificatePath: string | undefined;
  readonly keyPath: string | undefined;
  /** The name to look for in the service's certificate, when it is not the host of the target. */
  readonly serverName: string | undefined;
}

/** A method, and how its messages become bytes. */
export interface ClientMethod<Request, Answer> {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly encode: (request: Request) => Buffer;
  readonly decode: (bytes: Buffer) => Answer;
}

export interface CallOptions {
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ClientAnswer<Answer> {
  readonly message: Answer;
  /** The first value of an answer's header. */
  header(name: string): string | undefined;
}

/**
 * Why a call failed. The message can be shown: control characters in it, which a service may have sent, are
 * written as escapes.
 *
 * - `unreachable`: there is no connection, or it broke before the answer.
 * - `timeout`: there was no answer in time.
 * - `refused`: the service answered with an error.
 */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly kind: 'unreachable' | 'timeout' | 'refused';
  readonly code: Status;
  /** It never left this process: nothing has been done for it. */
  readonly isUnsent: boolean;

  constructor(kind: CallError['kind'], error: ServiceError) {
    const details = kind === 'unreachable' ? connectionError(error.details) : error.details;
    super(withoutControls(details), { cause: error });
    this.kind = kind;
    this.code = error.code;
    this.isUnsent = error.details.startsWith('No connection established');
  }
}

export interface ClientOptions {
  /** A service that is started again is looked for after so long at most; default: grpc-js' two minutes. */
  readonly maxReconnectMs?: number;
  /** Of one message; default 256 MiB. */
  readonly maxAnswerBytes?: number;
}

const FIRST_RECONNECT_MS = 100;

/** 1,000,000 rules with their statistics stay below this. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** A client of one service; it connects with the first call. */
export class GrpcClient {
  readonly #client: Client;
  readonly #authorization: string | undefined;

  /** @throws FloxyError INVALID_INPUT when a file of TLS cannot be used */
  constructor(
    { target, tls, authorization }: ClientTarget,
    { maxReconnectMs, maxAnswerBytes = MAX_ANSWER_BYTES }: ClientOptions = {},
  ) {
    this.#authorization = authorization;
    this.#client = new Client(target, readCredentials(tls), {
      'grpc.max_receive_message_length': maxAnswerBytes,
      'grpc.service_config_disable_resolution': 1,
      // A proxy for web pages has no business between programs and their services.
      'grpc.enable_http_proxy': 0,
      ...(maxReconnectMs !== undefined && {
        'grpc.initial_reconnect_backoff_ms': FIRST_RECONNECT_MS,
        'grpc.max_reconnect_backoff_ms': maxReconnectMs,
      }),
      ...(tls?.serverName !== undefined && { 'grpc.ssl_target_name_override': tls.serverName }),
    });
  }

  /** @throws CallError */
  call<Request, Answer>(
    { path, encode, decode }: ClientMethod<Request, Answer>,
    request: Request,
    { timeoutMs, headers = {} }: CallOptions,
  ): Promise<ClientAnswer<Answer>> {
    return new Promise((resolve, reject) => {
      let answerHeaders = new Metadata();
      const call = this.#client.makeUnaryRequest<Request, Answer>(
        path,
        encode,
        decode,
        request,
        this.#metadataOf(headers),
        { deadline: Date.now() + timeoutMs },
        (error, message) => {
          if (error !== null) reject(this.#explain(error));
          else {
            // There is one without an error.
            const answer = message as Answer;
            resolve({ message: answer, header: (name) => answerHeaders.get(name)[0]?.toString() });
          }
        },
      );
      call.on('metadata', (received) => {
        answerHeaders = received;
      });
    });
  }

  /** All messages of an answer that is a stream. @throws CallError */
  async collect<Request, Answer>(
    { path, encode, decode }: ClientMethod<Request, Answer>,
    request: Request,
    { timeoutMs, headers = {} }: CallOptions,
  ): Promise<Answer[]> {
    const options = { deadline: Date.now() + timeoutMs };
    const sent = this.#metadataOf(headers);
    const call = this.#client.makeServerStreamRequest(path, encode, decode, request, sent, options);
    const messages: Answer[] = [];
    try {
      for await (const message of call) messages.push(message);
    } catch (error) {
      throw this.#explain(error as ServiceError);
    }
    return messages;
  }

  /**
   * Sends messages, as fast as they are taken, and waits for the answer.
   *
   * @param options the time counts from the last message sent on
   * @throws CallError, and what the requests throw
   */
  async upload<Request, Answer>(
    { path, encode, decode }: ClientMethod<Request, Answer>,
    requests: AsyncIterable<Request>,
    { timeoutMs, headers = {} }: CallOptions,
  ): Promise<Answer[]> {
    const call = this.#client.makeBidiStreamRequest(
      path,
      encode,
      decode,
      this.#metadataOf(headers),
    );
    const messages: Answer[] = [];
    const answered = (async () => {
      for await (const message of call) messages.push(message as Answer);
    })();
    // It is looked at in the end.
    answered.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    let isLate = false;
    try {
      for await (const request of requests) {
        // A refusal comes before all was sent.
        if (call.destroyed || !(await written(call, request, answered))) break;
      }
      call.end();
      timer = setTimeout(() => {
        isLate = true;
        call.cancel();
      }, timeoutMs);
      await answered.catch((error: ServiceError) => {
        throw isLate ? new CallError('timeout', error) : this.#explain(error);
      });
    } finally {
      clearTimeout(timer);
      call.cancel();
    }
    return messages;
  }

  /**
   * The messages of an answer that is a stream, as they come, for as long as they are wanted.
   *
   * @param signal ends it
   * @param options without them it may take for ever
   * @throws CallError
   */
  async *stream<Request, Answer>(
    { path, encode, decode }: ClientMethod<Request, Answer>,
    request: Request,
    signal: AbortSignal,
    options?: CallOptions,
  ): AsyncGenerator<Answer> {
    const sent = this.#metadataOf(options?.headers ?? {});
    const limit = options === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
    const call = this.#client.makeServerStreamRequest(path, encode, decode, request, sent, limit);
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for await (const message of call) yield message;
    } catch (error) {
      if (!signal.aborted) throw this.#explain(error as ServiceError);
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }

  #metadataOf(headers: Readonly<Record<string, string>>): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    if (this.#authorization !== undefined) metadata.set(AUTHORIZATION_HEADER, this.#authorization);
    return metadata;
  }

  /** UNAVAILABLE comes from the service when there is a connection, and from the client when there is none. */
  #explain(error: ServiceError): CallError {
    if (error.code === Status.DEADLINE_EXCEEDED) return new CallError('timeout', error);
    const state = this.#client.getChannel().getConnectivityState(false);
    const isConnected = state === connectivityState.READY;
    const isLost = error.code === Status.UNAVAILABLE && !isConnected;
    return new CallError(isLost ? 'unreachable' : 'refused', error);
  }
}

/** @throws FloxyError INVALID_INPUT when a file cannot be used */
function readCredentials(tls: TlsAccess | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const read = (file: string | undefined) => (file === undefined ? null : readFileSync(file));
  // grpc-js hands IP addresses to TLS as server names. Node.js warns of that; users cannot help it.
  process.noDeprecation = true;
  try {
    return credentials.createSsl(read(tls.caPath), read(tls.keyPath), read(tls.certificatePath));
  } catch (error) {
    const message = `the files for TLS cannot be used: ${messageOf(error)}`;
    throw new FloxyError('INVALID_INPUT', message, { cause: error });
  }
}

/** @returns false when the call has ended instead */
function written<Request>(
  call: ClientDuplexStream<Request, unknown>,
  request: Request,
  ended: Promise<unknown>,
): Promise<boolean> {
  return new Promise((resolve) => {
    call.write(request, () => resolve(true));
    ended.then(
      () => resolve(false),
      () => resolve(false),
    );
  });
}

/** The part of grpc-js' report that says why there is no connection. */
function connectionError(details: string): string {
  return /Last error: (?:Error: )?(.+?)\. Resolution note/.exec(details)?.[1] ?? details;
}

import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status as Status,
} from '@grpc/grpc-js';
import type { Share } from '../budget.ts';
import type { Arrival } from '../gate.ts';
import { statusOf } from '../status.ts';
import { SMALL_BYTES, type Workload } from '../workload.ts';
import type { CallCounts } from './call-counts.ts';
import type { Connection, Connections } from './connections.ts';

/** Reading and writing are given up when they take longer. */
export interface CallLimits {
  /** How long a message of a request may take to arrive. */
  readonly requestMs: number;
  /** How long an answer may take to be read. */
  readonly unreadMs: number;
  /** Large messages, in either direction, have a second more for so many bytes. */
  readonly bytesPerSecond: number;
}

export const CALL_LIMITS: CallLimits = {
  requestMs: 20_000,
  unreadMs: 30_000,
  bytesPerSecond: 2 * 1024 * 1024,
};

/** Of one method. */
export interface MethodBounds {
  /** Largest request. */
  readonly maxBytes: number;
  /** Its answer may be large. */
  readonly isLong: boolean;
}

export interface CallBoundsParts {
  readonly boundsOf: (path: string) => MethodBounds;
  readonly connections: Connections;
  readonly workload: Workload;
  readonly counts: CallCounts;
  readonly limits: CallLimits;
  /** Whether who calls may do that, before anything else. Throws a FloxyError. */
  readonly letIn: (arrival: Arrival) => void;
  /** Called when a connection is cut because of what its client does or does not do. */
  readonly cut: (peer: string, why: string) => void;
}

/**
 * Bounds what a call can make this process keep, and for how long, while grpc-js receives its request and sends
 * its answer. A client that does not keep to it loses its connection: grpc-js keeps what has arrived of a request
 * until the client ends the stream or the connection goes.
 */
export function boundCalls(parts: CallBoundsParts): ServerInterceptor {
  return (method, call) => {
    const ofMethod = parts.boundsOf(method.path);
    limitReceiving(call, ofMethod.maxBytes);
    const bounds = new CallBounds(parts, call.getPeer(), ofMethod);
    const count = parts.counts.begin(method.path);
    const admit = (metadata: Metadata, go: (metadata: Metadata) => void) => {
      bounds.admit(method.path, metadata).then(
        () => go(metadata),
        (thrown: unknown) => intercepting.sendStatus(statusOf(thrown)),
      );
    };
    const intercepting = new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: admit,
          onReceiveMessage: (message, go) => {
            bounds.received((message as Buffer).length);
            go(message);
          },
          onReceiveHalfClose: (go) => {
            bounds.requestEnded();
            go();
          },
          onCancel: () => {
            count(Status.CANCELLED);
            bounds.end();
          },
        }),
      sendMessage: (message, go) => {
        // Messages of a stream are waited for where they are made.
        if (!method.responseStream) bounds.sending((message as Buffer).length);
        go(message);
      },
      sendStatus: (status, go) => {
        count(status.code ?? Status.UNKNOWN);
        bounds.end();
        go(status);
      },
    });
    return intercepting;
  };
}

class CallBounds {
  readonly #parts: CallBoundsParts;
  readonly #peer: string;
  readonly #ofMethod: MethodBounds;
  readonly #connection: Connection | undefined;
  readonly #leave: () => void;
  readonly #over = new AbortController();
  /** What the call has taken of what all share. */
  readonly #taken = new DisposableStack();
  #request: Share | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: CallBoundsParts, peer: string, ofMethod: MethodBounds) {
    this.#parts = parts;
    this.#peer = peer;
    this.#ofMethod = ofMethod;
    this.#connection = parts.connections.find(peer);
    this.#leave = this.#connection?.use() ?? (() => undefined);
  }

  /** Waits for room for the largest request of the method, if its caller may make it. @throws FloxyError */
  async admit(path: string, metadata: Metadata): Promise<void> {
    const { letIn, workload } = this.#parts;
    letIn({ path, metadata, connection: this.#connection });
    const { maxBytes, isLong } = this.#ofMethod;
    if (isLong && this.#connection !== undefined) {
      this.#take(await workload.longCallsOf(this.#connection).take(1, this.#over.signal));
    }
    if (maxBytes > SMALL_BYTES) {
      this.#request = await workload.requests.take(maxBytes, this.#over.signal);
      this.#take(this.#request);
    }
    this.#limitRequest();
  }

  /** A message of the request has arrived: what is not needed for it goes back. */
  received(bytes: number): void {
    this.#request?.shrinkTo(bytes);
    // The next one, if any, may come when the client likes.
    clearTimeout(this.#timer);
  }

  requestEnded(): void {
    clearTimeout(this.#timer);
  }

  sending(bytes: number): void {
    if (bytes > SMALL_BYTES) this.#take(this.#parts.workload.answers.charge(bytes));
    const { unreadMs, bytesPerSecond } = this.#parts.limits;
    const limitMs = unreadMs + (bytes / bytesPerSecond) * 1000;
    this.#limit(limitMs, 'its client does not read the answer');
  }

  /** The call is over, by a status or because the client has gone. */
  end(): void {
    clearTimeout(this.#timer);
    this.#over.abort();
    this.#taken.dispose();
    this.#leave();
  }

  #take(share: Share): void {
    if (this.#taken.disposed) share[Symbol.dispose]();
    else this.#taken.use(share);
  }

  #limitRequest(): void {
    const { requestMs, bytesPerSecond } = this.#parts.limits;
    const limitMs = requestMs + (this.#ofMethod.maxBytes / bytesPerSecond) * 1000;
    this.#limit(limitMs, 'its request does not end');
  }

  #limit(limitMs: number, why: string): void {
    clearTimeout(this.#timer);
    if (this.#over.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#parts.cut(this.#peer, why);
      this.#connection?.cut();
      this.end();
    }, limitMs);
  }
}

/** The parts of grpc-js' call that know the largest message; 1.14.7 has no other way to them. */
interface ReceivingCall {
  maxReceiveMessageSize: number;
  readonly decoder: { maxReadMessageLength: number };
}

/**
 * grpc-js has one limit for all methods, made for the largest of them. A call gets the one of its method here, so
 * that a longer request is refused by its announced length, and a compressed one while it grows.
 */
function limitReceiving(call: ServerInterceptingCallInterface, maxBytes: number): void {
  const receiving = call as unknown as ReceivingCall;
  if (typeof receiving.decoder?.maxReadMessageLength !== 'number') {
    throw new Error('grpc-js has changed: requests cannot be limited by method any more');
  }
  receiving.maxReceiveMessageSize = maxBytes;
  receiving.decoder.maxReadMessageLength = maxBytes;
}

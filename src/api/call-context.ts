import type { IncomingHttpHeaders } from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';
import { FloxyError } from '../base/errors.ts';
import type { Caller } from '../model/caller.ts';
import { readAddressFormat } from '../protocol/headers.ts';
import type { AddressFormat } from '../rules/endpoint-message.ts';
import type { Gate } from './gate.ts';
import type { Workload } from './workload.ts';

/** What a handler knows of a call besides the request. */
export interface CallContext {
  readonly headers: IncomingHttpHeaders;
  readonly addressFormat: AddressFormat;
  /** `address:port` of the client: the name of its connection. */
  readonly peer: string;
  readonly caller: Caller;
  /** Aborted when nobody waits for an answer any more. */
  readonly signal: AbortSignal;
  /** Aborted when the service stops: what would go on for long ends now. */
  readonly stopping: AbortSignal;
  /** Does long work when it is this call's turn. */
  readonly work: <T>(job: () => T | Promise<T>) => Promise<T>;
  /** @throws FloxyError NOT_READY when the client has gone: what was not begun is better left then */
  throwIfGone(): void;
}

/** The part of a call of grpc-js that tells of its client. */
export interface IncomingCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  on(event: 'cancelled', listener: () => void): unknown;
}

/** What the context of every call is made of. */
export interface ContextParts {
  readonly gate: Gate;
  readonly workload: Workload;
  /** Aborted when the service stops. */
  readonly stopping: AbortSignal;
}

/**
 * Lets a call in: every call of every service comes through here before anything is done for it.
 *
 * @throws FloxyError INVALID_INPUT for bad headers, NOT_READY when the service is stopping
 */
export function admit(call: IncomingCall, { gate, workload, stopping }: ContextParts): CallContext {
  const caller = gate.callerOf(call.metadata);
  if (stopping.aborted) throw new FloxyError('NOT_READY', 'the service is stopping');
  const headers = call.metadata.toHttp2Headers() as IncomingHttpHeaders;
  const signal = goneSignal(call);
  const peer = peerOf(call);
  return {
    headers,
    addressFormat: readAddressFormat(headers),
    peer,
    caller,
    signal,
    stopping,
    work: async (job) => {
      using _place = await workload.work.take(1, signal);
      return await job();
    },
    throwIfGone: () => {
      if (signal.aborted) throw new FloxyError('NOT_READY', 'the client has gone');
    },
  };
}

function goneSignal(call: IncomingCall): AbortSignal {
  if (call.cancelled) return AbortSignal.abort();
  const gone = new AbortController();
  call.on('cancelled', () => gone.abort());
  return gone.signal;
}

function peerOf(call: IncomingCall): string {
  try {
    return call.getPeer();
  } catch {
    // The connection has gone since the request arrived.
    return 'unknown';
  }
}

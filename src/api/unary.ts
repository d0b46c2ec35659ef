import { setImmediate } from 'node:timers/promises';
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  MethodDefinition,
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../base/errors.ts';
import { withRawMessages } from '../protocol/definitions.ts';
import { readAddressFormat } from '../protocol/headers.ts';
import { PartCollector, splitMessage } from '../protocol/parts.ts';
import type { AddressFormat } from '../rules/endpoint-message.ts';
import { statusOf } from './status.ts';

/** What a handler knows of a call besides the request. */
export interface CallContext {
  readonly headers: Metadata;
  readonly addressFormat: AddressFormat;
  /** `address:port` of the client. */
  readonly peer: string;
  /** @throws FloxyError NOT_READY when the client has gone: what was not begun is better left then */
  throwIfCancelled(): void;
}

export interface Answer {
  /** Messages whose encodings make the encoding of the answer: see codec.ts. At least one. */
  readonly parts: Iterable<object>;
  readonly headers?: Metadata;
}

type RawCall = ServerUnaryCall<Buffer, Buffer>;

/** Throws, or rejects with, a FloxyError for an expected failure. */
export type Handler<Request> = (request: Request, context: CallContext) => Answer | Promise<Answer>;

/** Makes a method that answers with a stream: see streaming.ts. */
export type OpenStream = (
  method: MethodDefinition<object, object>,
) => handleServerStreamingCall<Buffer, Buffer>;

/** The handlers of a service, by the names of its methods. */
export type Handlers = Readonly<Record<string, Handler<never>>>;

/**
 * Makes a service of its definition and handlers.
 *
 * @param streams the methods that answer with a stream
 * @throws Error when a method has no handler, or a handler no method
 */
export function implementService(
  definition: ServiceDefinition,
  handlers: Handlers,
  log: Logger,
  streams: Readonly<Record<string, OpenStream>> = {},
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation } {
  const raw: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const handler = handlers[name];
    const open = streams[name];
    raw[name] = withRawMessages(method);
    if (handler !== undefined) implementation[name] = unary(method, handler, log);
    else if (open !== undefined) implementation[name] = open(method);
    else throw new Error(`${method.path} has no handler`);
  }
  for (const name of [...Object.keys(handlers), ...Object.keys(streams)]) {
    if (!(name in raw)) throw new Error(`handler ${name} has no method`);
  }
  return { definition: raw, implementation };
}

/**
 * Makes a method of its handler: decodes, awaits, encodes, and turns whatever is thrown on the way into
 * a gRPC status. (grpc-js leaves the client waiting for ever when an async function that it was given
 * as a handler rejects.)
 */
export function unary(
  method: MethodDefinition<object, object>,
  handler: Handler<never>,
  log: Logger,
): handleUnaryCall<Buffer, Buffer> {
  const run: (...args: Parameters<handleUnaryCall<Buffer, Buffer>>) => Promise<void> = async (
    call,
    callback,
  ) => {
    try {
      const { parts, headers } = await callHandler(method, handler, call);
      const bytes = await encode(method, parts, call);
      if (headers !== undefined) call.sendMetadata(headers);
      callback(null, bytes);
    } catch (thrown) {
      if (!(thrown instanceof FloxyError)) {
        log.error({ err: thrown, call: method.path }, 'call failed by an internal error');
      }
      callback(statusOf(thrown));
    }
  };
  return (call, callback) => {
    run(call, callback).catch((thrown) => {
      log.error({ err: thrown, call: method.path }, 'a call could not be answered');
    });
  };
}

async function callHandler(
  method: MethodDefinition<object, object>,
  handler: Handler<never>,
  call: RawCall,
): Promise<Answer> {
  const context: CallContext = {
    headers: call.metadata,
    addressFormat: readAddressFormat(call.metadata),
    peer: peerOf(call),
    throwIfCancelled: () => throwIfCancelled(call),
  };
  const request = await decode(method, call);
  // What a method decodes to is known to its handler only (see Handlers).
  return handler(request as never, context);
}

async function decode(method: MethodDefinition<object, object>, call: RawCall): Promise<object> {
  const collector = new PartCollector();
  let whole: object | undefined;
  for (const bytes of splitMessage(call.request)) {
    const part = decodePart(method, bytes);
    if (bytes.length === call.request.length) whole = part;
    else {
      collector.add(part);
      await setImmediate();
      throwIfCancelled(call);
    }
  }
  return whole ?? collector.message();
}

/** @throws FloxyError INVALID_INPUT */
export function decodePart(method: MethodDefinition<object, object>, bytes: Buffer): object {
  try {
    return method.requestDeserialize(bytes);
  } catch (thrown) {
    const message = `the request is no valid message: ${messageOf(thrown)}`;
    throw new FloxyError('INVALID_INPUT', message, { cause: thrown });
  }
}

async function encode(
  method: MethodDefinition<object, object>,
  parts: Iterable<object>,
  call: RawCall,
): Promise<Buffer> {
  const encoded: Buffer[] = [];
  for (const part of parts) {
    if (encoded.length > 0) {
      await setImmediate();
      throwIfCancelled(call);
    }
    encoded.push(method.responseSerialize(part));
  }
  return Buffer.concat(encoded);
}

function throwIfCancelled(call: RawCall): void {
  if (call.cancelled) throw new FloxyError('NOT_READY', 'the client has gone');
}

/** `address:port` of the client. */
export function peerOf(call: Pick<RawCall, 'getPeer'>): string {
  try {
    return call.getPeer();
  } catch {
    // The connection has gone since the request arrived.
    return 'unknown';
  }
}

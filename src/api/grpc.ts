/** Methods as grpc-js has them: every status that a client gets is made here. */

import type { OutgoingHttpHeaders } from 'node:http2';
import {
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  type Server,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceDefinition,
  status as Status,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { withRawMessages } from '../protocol/definitions.ts';
import { admit, type CallContext, type ContextParts } from './call-context.ts';
import { CallLog } from './call-log.ts';
import { answerMany, answerOnce, type Method } from './method.ts';
import { isUnexpected, statusOf } from './status.ts';

export interface ServingParts extends ContextParts {
  /** A client that has not read a message after so long is cut off: it takes memory here. */
  readonly unreadMs: number;
  /** Cuts the connection of a client. */
  readonly cut: (peer: string, why: string) => void;
  readonly log: Logger;
}

type Chat = ServerDuplexStream<Buffer, Buffer>;
type Stream = ServerWritableStream<Buffer, Buffer>;

/** Registers methods. */
export function addMethods(server: Server, methods: readonly Method[], parts: ServingParts): void {
  for (const method of methods) {
    const definition: ServiceDefinition = { method: withRawMessages(method.definition) };
    server.addService(definition, { method: handlerOf(method, parts) });
  }
}

function handlerOf(method: Method, parts: ServingParts): UntypedHandleCall {
  if (method.kind === 'unary') return unary(method, parts);
  const serve = (call: Stream | Chat, requests: AsyncIterable<Buffer>) => {
    serveStream(method, call, { ...parts, requests }).catch((thrown: unknown) => {
      parts.log.error({ err: thrown, call: method.definition.path }, 'a stream could not be ended');
    });
  };
  if (method.kind === 'chat') return (call: Chat) => serve(call, call);
  return (call: Stream) => serve(call, one(call.request));
}

function unary(
  method: Extract<Method, { kind: 'unary' }>,
  parts: ServingParts,
): handleUnaryCall<Buffer, Buffer> {
  const { workload, log } = parts;
  const run = async (...[call, respond]: Parameters<handleUnaryCall<Buffer, Buffer>>) => {
    const callLog = new CallLog(method, log);
    try {
      const context = admit(call, parts);
      callLog.admitted(context.caller);
      const { bytes, headers } = await answerOnce(method, call.request, { context, workload });
      call.sendMetadata(metadataOf(headers));
      respond(null, bytes);
      callLog.ended(Status.OK);
    } catch (thrown) {
      report(method.definition, thrown, log);
      const status = statusOf(thrown);
      respond(status);
      callLog.ended(status.code);
    }
  };
  return (call, respond) => {
    run(call, respond).catch((thrown: unknown) => {
      log.error({ err: thrown, call: method.definition.path }, 'a call could not be answered');
    });
  };
}

async function serveStream(
  method: Exclude<Method, { kind: 'unary' }>,
  call: Stream | Chat,
  parts: ServingParts & { readonly requests: AsyncIterable<Buffer> },
): Promise<void> {
  const callLog = new CallLog(method, parts.log);
  try {
    const context = admit(call, parts);
    callLog.admitted(context.caller);
    for await (const bytes of answerMany(method, parts.requests, context)) {
      parts.gate.checkStill(call.metadata);
      await write(call, bytes, { ...parts, context });
      if (context.signal.aborted) break;
    }
    if (!context.signal.aborted) call.end();
    callLog.ended(context.signal.aborted ? Status.CANCELLED : Status.OK);
  } catch (thrown) {
    report(method.definition, thrown, parts.log);
    const status = statusOf(thrown);
    call.emit('error', status);
    callLog.ended(status.code);
  }
}

/** Resolves when the message has left this process, or nobody waits for it. */
async function write(
  call: Stream | Chat,
  bytes: Buffer,
  { unreadMs, cut, context }: ServingParts & { readonly context: CallContext },
): Promise<void> {
  const { signal, peer } = context;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => cut(peer, 'its client does not read the stream'), unreadMs);
  const goOn = () => resolve();
  signal.addEventListener('abort', goOn);
  call.write(bytes, goOn);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', goOn);
}

function report({ path }: MethodDefinition<object, object>, thrown: unknown, log: Logger): void {
  if (isUnexpected(thrown))
    log.error({ err: thrown, call: path }, 'call failed by an internal error');
}

async function* one<T>(value: T): AsyncGenerator<T> {
  yield value;
}

function metadataOf(headers: OutgoingHttpHeaders): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, String(value));
  return metadata;
}

import type { OutgoingHttpHeaders } from 'node:http2';
import type { MethodDefinition } from '@grpc/grpc-js';
import { FloxyError, messageOf } from '../base/errors.ts';
import { Turn } from '../base/turn.ts';
import type { Role } from '../model/caller.ts';
import { PartCollector, splitMessage } from '../protocol/parts.ts';
import type { CallContext } from './call-context.ts';
import { SMALL_BYTES, type Workload } from './workload.ts';

/** Of one request. */
export interface RequestLimits {
  readonly maxBytes: number;
  /** Members of all lists in it, at every depth. */
  readonly maxItems: number;
}

export interface Answer {
  /** Messages whose encodings make the encoding of the answer: see protocol/codec.ts. At least one. */
  readonly parts: Iterable<object>;
  readonly headers?: OutgoingHttpHeaders;
}

/** Throws, or rejects with, a FloxyError for an expected failure. */
export type Handler<Request> = (request: Request, context: CallContext) => Answer | Promise<Answer>;

/** Yields the messages of the answer. Throws a FloxyError for an expected failure. */
export type StreamHandler<Request> = (
  request: Request,
  context: CallContext,
) => AsyncIterable<object>;

/** Answers requests as they come. */
export type ChatHandler = (
  requests: AsyncIterable<object>,
  context: CallContext,
) => AsyncIterable<object>;

/** What a call needs; `nobody`: whoever reaches the API may make it. */
export type NeededRole = Role | 'nobody';

/** A method of a service and who answers it. What it decodes to is known to its handler only. */
export type Method = {
  readonly definition: MethodDefinition<object, object>;
  readonly role: NeededRole;
} & (
  | {
      readonly kind: 'unary';
      readonly handler: Handler<never>;
      readonly limits: RequestLimits;
      /** Its answer may be large: it is made in turns, and counts until it is read. */
      readonly isLong?: boolean;
    }
  | {
      readonly kind: 'stream';
      readonly handler: StreamHandler<never>;
      readonly limits: RequestLimits;
    }
  | { readonly kind: 'chat'; readonly handler: ChatHandler; readonly limits: RequestLimits }
);

/** Reads the request, has it answered, and encodes the answer. @throws whatever is in the way of it */
export async function answerOnce(
  { definition, handler, limits, isLong = false }: Extract<Method, { kind: 'unary' }>,
  bytes: Buffer,
  { context, workload }: { readonly context: CallContext; readonly workload: Workload },
): Promise<EncodedAnswer> {
  const request = await decode(definition, bytes, { limits, context });
  if (isLong) await workload.answers.room(context.signal);
  const { parts, headers = {} } = await handler(request as never, context);
  const encoded = isLong
    ? await context.work(() => encodeInTurns(definition, parts, context))
    : Array.from(parts, (part) => definition.responseSerialize(part));
  context.throwIfGone();
  return { bytes: Buffer.concat(encoded), headers };
}

export interface EncodedAnswer {
  readonly bytes: Buffer;
  readonly headers: OutgoingHttpHeaders;
}

/** The encoded messages of an answer that is a stream. @throws whatever is in the way of it */
export async function* answerMany(
  method: Exclude<Method, { kind: 'unary' }>,
  requests: AsyncIterable<Buffer>,
  context: CallContext,
): AsyncGenerator<Buffer> {
  const { definition } = method;
  const messages =
    method.kind === 'chat'
      ? method.handler(decodeAll(method, requests, context), context)
      : method.handler((await only(decodeAll(method, requests, context))) as never, context);
  for await (const message of messages) {
    if (context.signal.aborted) return;
    yield definition.responseSerialize(message);
  }
  // It was not the client's wish that it ends.
  if (context.stopping.aborted) throw new FloxyError('NOT_READY', 'the service is stopping');
}

async function encodeInTurns(
  definition: Method['definition'],
  parts: Iterable<object>,
  context: CallContext,
): Promise<Buffer[]> {
  const encoded: Buffer[] = [];
  const turn = new Turn();
  await turn.next();
  for (const part of parts) {
    if (turn.isOver) await turn.next();
    context.throwIfGone();
    encoded.push(definition.responseSerialize(part));
  }
  return encoded;
}

async function* decodeAll(
  { definition, limits }: Method,
  requests: AsyncIterable<Buffer>,
  context: CallContext,
): AsyncGenerator<object> {
  for await (const bytes of requests) yield await decode(definition, bytes, { limits, context });
}

async function only(requests: AsyncIterable<object>): Promise<object> {
  for await (const request of requests) return request;
  throw new FloxyError('INVALID_INPUT', 'the request has no message');
}

interface Decoding {
  readonly limits: RequestLimits;
  readonly context: CallContext;
}

async function decode(
  definition: MethodDefinition<object, object>,
  bytes: Buffer,
  decoding: Decoding,
): Promise<object> {
  if (bytes.length <= SMALL_BYTES) return decodeSmall(definition, bytes, decoding.limits);
  return decoding.context.work(() => decodeLarge(definition, bytes, decoding));
}

function decodeSmall(
  definition: MethodDefinition<object, object>,
  bytes: Buffer,
  { maxItems }: RequestLimits,
): object {
  const message = decodePart(definition, bytes);
  new PartCollector(maxItems).add(message);
  return message;
}

async function decodeLarge(
  definition: MethodDefinition<object, object>,
  bytes: Buffer,
  { limits, context }: Decoding,
): Promise<object> {
  const collector = new PartCollector(limits.maxItems);
  const turn = new Turn();
  await turn.next();
  for (const part of splitMessage(bytes)) {
    if (turn.isOver) await turn.next();
    context.throwIfGone();
    collector.add(decodePart(definition, part));
  }
  return collector.message();
}

/** @throws FloxyError INVALID_INPUT */
function decodePart(definition: MethodDefinition<object, object>, bytes: Buffer): object {
  try {
    return definition.requestDeserialize(bytes);
  } catch (thrown) {
    const message = `the request is no valid message: ${messageOf(thrown)}`;
    throw new FloxyError('INVALID_INPUT', message, { cause: thrown });
  }
}

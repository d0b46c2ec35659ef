import { type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { CallError, type ClientAnswer, type ClientTarget, GrpcClient } from '../protocol/client.ts';
import { connectionAdvice } from './connection-advice.ts';
import { CliError, EXIT } from './exit.ts';

/** Where the API is and how to talk to it. */
export interface ApiAccess extends ClientTarget {
  readonly timeoutMs: number;
}

/**
 * Makes one call.
 *
 * @param headers of the request
 * @throws CliError when the call failed, or the API could not be reached in time
 * @throws FloxyError INVALID_INPUT when a file of TLS cannot be used
 */
export async function callApi(
  access: ApiAccess,
  method: DescMethod,
  request: Message,
  headers: Readonly<Record<string, string>> = {},
): Promise<ClientAnswer<Message>> {
  const client = new GrpcClient(access);
  try {
    const { timeoutMs } = access;
    return await client.call(codingOf(method), request, { timeoutMs, headers });
  } catch (error) {
    throw error instanceof CallError ? explain(error, access, method) : error;
  } finally {
    client.close();
  }
}

/**
 * Makes a call whose answer is a stream, and takes its messages as they come.
 *
 * @param signal ends it
 * @throws CliError when the call failed, or the API could not be reached
 * @throws FloxyError INVALID_INPUT when a file of TLS cannot be used
 */
export async function* streamApi(
  access: ApiAccess,
  method: DescMethod,
  request: Message,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const client = new GrpcClient(access);
  try {
    yield* client.stream(codingOf(method), request, signal);
  } catch (error) {
    throw error instanceof CallError ? explain(error, access, method) : error;
  } finally {
    client.close();
  }
}

/**
 * Makes a call whose answer is a stream of parts, and takes them as they come, encoded.
 *
 * @param headers of the request
 * @throws CliError when the call failed, or the API could not be reached or did not answer all in time
 */
export async function* streamBytes(
  access: ApiAccess,
  method: DescMethod,
  request: Message,
  headers: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array> {
  const client = new GrpcClient(access);
  const end = new AbortController();
  try {
    const coding = { ...codingOf(method), decode: (bytes: Buffer): Uint8Array => bytes };
    const { timeoutMs } = access;
    yield* client.stream(coding, request, end.signal, { timeoutMs, headers });
  } catch (error) {
    throw error instanceof CallError ? explain(error, access, method) : error;
  } finally {
    end.abort();
    client.close();
  }
}

/**
 * Makes a call whose answer is a stream that ends.
 *
 * @returns all its messages
 * @throws as callApi() does
 */
export async function collectApi(
  access: ApiAccess,
  method: DescMethod,
  request: Message,
): Promise<Message[]> {
  const client = new GrpcClient(access);
  try {
    return await client.collect(codingOf(method), request, { timeoutMs: access.timeoutMs });
  } catch (error) {
    throw error instanceof CallError ? explain(error, access, method) : error;
  } finally {
    client.close();
  }
}

/**
 * Makes a call that sends a stream and answers with one.
 *
 * @throws as callApi() does, and what the requests throw
 */
export async function uploadApi(
  access: ApiAccess,
  method: DescMethod,
  requests: AsyncIterable<Message>,
  headers: Readonly<Record<string, string>>,
): Promise<Message[]> {
  const client = new GrpcClient(access);
  try {
    return await client.upload(codingOf(method), requests, {
      timeoutMs: access.timeoutMs,
      headers,
    });
  } catch (error) {
    throw error instanceof CallError ? explain(error, access, method) : error;
  } finally {
    client.close();
  }
}

function codingOf(method: DescMethod) {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    encode: (message: Message) => Buffer.from(toBinary(method.input, message)),
    decode: (bytes: Buffer): Message => fromBinary(method.output, bytes),
  };
}

function explain(
  error: CallError,
  { target, timeoutMs, tls, authorization }: ApiAccess,
  method: DescMethod,
): CliError {
  const options = { cause: error };
  switch (error.kind) {
    case 'timeout': {
      const message = `the API at ${target} did not answer within ${timeoutMs / 1000} s. Is \`floxy serve\` running there?${fateOf(method)}`;
      return new CliError(EXIT.unreachable, message, options);
    }
    case 'unreachable': {
      const advice = connectionAdvice(error.message, tls !== undefined);
      const fate = error.isUnsent ? '' : fateOf(method);
      const message = `cannot reach the API at ${target}: ${error.message}. ${advice}${fate}`;
      return new CliError(EXIT.unreachable, message, options);
    }
    case 'refused': {
      if (error.code === status.UNIMPLEMENTED) {
        const call = `${method.parent.name}/${method.name}`;
        const message = `the service at ${target} does not know ${call}: it is another version than this command (\`floxy build-info\`, \`floxy --version\`)`;
        return new CliError(EXIT.failed, message, options);
      }
      const exitCode = error.code === status.INVALID_ARGUMENT ? EXIT.usage : EXIT.failed;
      const advice = accessAdvice(error.code, authorization !== undefined);
      return new CliError(exitCode, `${status[error.code]}: ${error.message}${advice}`, options);
    }
  }
}

/** What somebody can do who may not make a call; empty for other failures. */
function accessAdvice(code: status, hasToken: boolean): string {
  const send = 'with --token-file FILE or FLOXY_TOKEN';
  if (code === status.PERMISSION_DENIED) {
    return hasToken
      ? '. Use a token that may'
      : `. On the host of the service root may; others send a token ${send}`;
  }
  if (code !== status.UNAUTHENTICATED) return '';
  return hasToken
    ? '. `floxy tokens list` there says which are known'
    : `. This command does ${send}`;
}

/** What to say of a call that was sent and not answered. */
function fateOf(method: DescMethod): string {
  const isChange = /^(Replace|Update|Delete|Rollback|Restore)/.test(method.name);
  return isChange ? ' The change may be in force or not: `floxy rules list` tells.' : '';
}

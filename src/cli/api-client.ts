import { readFileSync } from 'node:fs';
import { type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { messageOf } from '../base/errors.ts';
import { connectionAdvice } from './connection-advice.ts';
import { CliError, EXIT } from './exit.ts';

/** Where the API is and how to talk to it. */
export interface ApiAccess {
  /** `host:port`; IPv6 addresses in brackets. */
  readonly target: string;
  readonly timeoutMs: number;
  /** undefined = no TLS. */
  readonly tls: TlsAccess | undefined;
}

export interface TlsAccess {
  /** PEM files. Without the first, the authorities that Node.js trusts count. */
  readonly caPath: string | undefined;
  readonly certificatePath: string | undefined;
  readonly keyPath: string | undefined;
  /** The name to look for in the server's certificate, when it is not the host of the target. */
  readonly serverName: string | undefined;
}

export interface Answer {
  readonly message: Message;
  /** The first value of an answer's header. */
  header(name: string): string | undefined;
}

/** 1,000,000 rules with their statistics stay below this. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/**
 * Makes one call.
 *
 * @param headers of the request
 * @throws CliError: the call failed, or the API could not be reached in time
 */
export async function callApi(
  access: ApiAccess,
  method: DescMethod,
  request: Message,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const client = connect(access);
  try {
    return await makeCall(client, { access, method, request, headers });
  } finally {
    client.close();
  }
}

interface Call {
  readonly access: ApiAccess;
  readonly method: DescMethod;
  readonly request: Message;
  readonly headers: Readonly<Record<string, string>>;
}

function makeCall(client: Client, { access, method, request, headers }: Call): Promise<Answer> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve, reject) => {
    let answerHeaders = new Metadata();
    const call = client.makeUnaryRequest(
      `/${method.parent.typeName}/${method.name}`,
      (message: Message) => Buffer.from(toBinary(method.input, message)),
      (bytes: Buffer): Message => fromBinary(method.output, bytes),
      request,
      metadata,
      { deadline: Date.now() + access.timeoutMs },
      (error, message) => {
        if (error) return reject(explain(error, client, { access, method }));
        if (message === undefined) return reject(new CliError(EXIT.failed, 'the answer is empty'));
        resolve({ message, header: (name) => answerHeaders.get(name)[0]?.toString() });
      },
    );
    call.on('metadata', (received) => {
      answerHeaders = received;
    });
  });
}

function connect({ target, tls }: ApiAccess): Client {
  const options: ChannelOptions = {
    'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
    'grpc.service_config_disable_resolution': 1,
    // A proxy for web pages has no business between an operator and the service.
    'grpc.enable_http_proxy': 0,
    ...(tls?.serverName !== undefined && { 'grpc.ssl_target_name_override': tls.serverName }),
  };
  return new Client(target, channelCredentials(tls), options);
}

/** Reads the files of TLS. @throws CliError */
export function channelCredentials(tls: TlsAccess | undefined): ChannelCredentials {
  return tls ? tlsCredentials(tls) : credentials.createInsecure();
}

/** @throws CliError */
function tlsCredentials({ caPath, certificatePath, keyPath }: TlsAccess): ChannelCredentials {
  const read = (file: string | undefined) => (file === undefined ? null : readFileSync(file));
  // grpc-js hands IP addresses to TLS as server names. Node.js warns of that; users cannot help it.
  process.noDeprecation = true;
  try {
    return credentials.createSsl(read(caPath), read(keyPath), read(certificatePath));
  } catch (error) {
    throw new CliError(EXIT.usage, `the files for TLS cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** UNAVAILABLE comes from the service when there is a connection, and from the client when there is none. */
function explain(
  error: ServiceError,
  client: Client,
  { access, method }: Pick<Call, 'access' | 'method'>,
): CliError {
  const { target, timeoutMs, tls } = access;
  if (error.code === status.DEADLINE_EXCEEDED) {
    return new CliError(
      EXIT.unreachable,
      `the API at ${target} did not answer within ${timeoutMs / 1000} s. Is \`floxy serve\` running there?${fateOf(method)}`,
      { cause: error },
    );
  }
  const isConnected = client.getChannel().getConnectivityState(false) === connectivityState.READY;
  if (error.code === status.UNAVAILABLE && !isConnected) {
    const cause = connectionError(error.details);
    const advice = connectionAdvice(cause, tls !== undefined);
    const fate = error.details.startsWith('No connection established') ? '' : fateOf(method);
    return new CliError(
      EXIT.unreachable,
      `cannot reach the API at ${target}: ${cause}. ${advice}${fate}`,
      { cause: error },
    );
  }
  const exitCode = error.code === status.INVALID_ARGUMENT ? EXIT.usage : EXIT.failed;
  return new CliError(exitCode, `${status[error.code]}: ${error.details}`, { cause: error });
}

/** What to say of a call that was sent and not answered. */
function fateOf(method: DescMethod): string {
  const isChange = /^(Replace|Update|Delete)/.test(method.name);
  return isChange ? ' The change may be in force or not: `floxy rules list` tells.' : '';
}

/** The part of grpc-js' report that says why there is no connection. */
function connectionError(details: string): string {
  return /Last error: (?:Error: )?(.+?)\. Resolution note/.exec(details)?.[1] ?? details;
}

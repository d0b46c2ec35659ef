/**
 * Agent with a gRPC client, made of the published .proto files alone. `bytes` fields are base64 text in
 * both directions, 64-bit numbers are decimal text, and lists are always there.
 */
import { fileURLToPath } from 'node:url';
import {
  Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { serveRequests } from './agent-loop.ts';
import type { ApiCall, ApiFailure, ApiReply } from './api.ts';

interface MethodDefinition {
  readonly path: string;
  readonly requestSerialize: (value: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

const protoFolder = fileURLToPath(new URL('../../proto', import.meta.url));
const definitions = loadSync(['settings.proto', 'metrics.proto', 'view.proto'], {
  includeDirs: [protoFolder],
  keepCase: true,
  longs: String,
  enums: String,
  bytes: String,
  arrays: true,
  oneofs: false,
});
loadPackageDefinition(definitions);

const clients = new Map<string, Client>();

function clientOf(target: string): Client {
  const client = clients.get(target) ?? connect(target);
  clients.set(target, client);
  return client;
}

function connect(target: string): Client {
  return new Client(target, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 100,
  });
}

function methodOf(service: string, method: string): MethodDefinition {
  const methods = definitions[`collector.proto.${service}`] as unknown as Record<
    string,
    MethodDefinition
  >;
  const definition = methods[method];
  if (definition === undefined) throw new Error(`there is no method ${service}.${method}`);
  return definition;
}

/** All answers of a call that streams and ends. */
async function list({ target, service, method, request, deadlineMs }: ApiCall): Promise<object[]> {
  const { path, requestSerialize, responseDeserialize } = methodOf(service, method);
  const stream = clientOf(target).makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    new Metadata(),
    { deadline: new Date(Date.now() + deadlineMs) },
  );
  const answers: object[] = [];
  for await (const answer of stream) answers.push(answer);
  return answers;
}

/** A failed connection is not kept: the service may be another one the next time. */
function call({
  target,
  service,
  method,
  request,
  headers,
  deadlineMs,
}: ApiCall): Promise<ApiReply> {
  const definition = methodOf(service, method);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const start = performance.now();
  const deadline = new Date(Date.now() + deadlineMs);
  return new Promise((resolve, reject) => {
    let answerHeaders: Record<string, string> = {};
    const unary = clientOf(target).makeUnaryRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      request,
      metadata,
      { deadline },
      (error, response) => {
        if (error !== null) reject(failureOf(error));
        else
          resolve({
            response: response ?? {},
            headers: answerHeaders,
            tookMs: performance.now() - start,
          });
      },
    );
    unary.on('metadata', (received) => {
      answerHeaders = textOf(received);
    });
  });
}

function failureOf(error: ServiceError): ApiFailure {
  const { code, details } = error;
  return Object.assign(new Error(details), { code, details, trailers: textOf(error.metadata) });
}

function textOf(metadata: Metadata): Record<string, string> {
  const entries = Object.entries(metadata.getMap());
  return Object.fromEntries(entries.map(([name, value]) => [name, value.toString()]));
}

await serveRequests({ call, list });

import {
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { findMethod } from '../../src/cli/messages.ts';

/** A call as the fake API saw it. */
export interface SeenCall {
  readonly method: string;
  readonly request: JsonValue;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** What the fake API does with a call: answers, fails, or says nothing at all. */
export type Reply =
  | { readonly answer: JsonValue; readonly headers?: Readonly<Record<string, string>> }
  | { readonly code: number; readonly details: string }
  | 'silence';

export interface FakeApi extends AsyncDisposable {
  readonly port: number;
  readonly calls: SeenCall[];
}

const SETTINGS_METHODS = [
  'ListProxyRules',
  'ReplaceProxyRules',
  'UpdateProxyRules',
  'DeleteProxyRules',
  'GetBuildInfo',
  'GetSystemStatus',
  'Drain',
];

/** Serves the gRPC API on loopback with one scripted reply for every call, or one made for each. */
export async function startFakeApi(
  script: Reply | ((call: SeenCall) => Reply),
  serverCredentials: ServerCredentials = ServerCredentials.createInsecure(),
): Promise<FakeApi> {
  const calls: SeenCall[] = [];
  const server = new Server();
  const settings = SETTINGS_METHODS.map((name) =>
    findMethod('floxy', 'collector.proto.Settings', name),
  );
  addService(server, settings, script, calls);
  addService(
    server,
    [findMethod('floxy', 'collector.proto.Metrics', 'GetProxyStats')],
    script,
    calls,
  );
  const view = ['GetOverview', 'GetServiceSettings'].map((name) =>
    findMethod('floxy', 'collector.proto.View', name),
  );
  addService(server, view, script, calls);
  const streams = ['ListRules', 'ListStats', 'WatchTraffic', 'WatchEvents'].map((name) =>
    findMethod('floxy', 'collector.proto.View', name),
  );
  addService(server, streams, script, calls);
  addService(server, [findMethod('health', 'grpc.health.v1.Health', 'Check')], script, calls);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', serverCredentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    calls,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

function addService(
  server: Server,
  methods: readonly DescMethod[],
  script: Reply | ((call: SeenCall) => Reply),
  calls: SeenCall[],
): void {
  const definition = Object.fromEntries(
    methods.map((method) => [method.name, definitionOf(method)]),
  );
  const handlers: Record<string, Handler> = {};
  for (const method of methods) {
    handlers[method.name] = (call, respond) => {
      const headers = call.metadata.getMap();
      const seen = { method: method.name, request: call.request, headers };
      calls.push(seen);
      const reply = typeof script === 'function' ? script(seen) : script;
      if (reply === 'silence') return;
      answer(call, reply, respond);
    };
  }
  server.addService(definition, handlers);
}

/** A call whose answer is a stream has no `respond`: its answer is a list of messages, or one. */
type Handler = (
  call: ServerUnaryCall<JsonValue, JsonValue> & ServerWritableStream<JsonValue, JsonValue>,
  respond?: sendUnaryData<JsonValue>,
) => void;

function answer(
  call: Parameters<Handler>[0],
  reply: Exclude<Reply, 'silence'>,
  respond: Parameters<Handler>[1],
): void {
  if ('code' in reply) {
    if (respond === undefined) call.emit('error', reply);
    else respond(reply);
    return;
  }
  call.sendMetadata(metadataOf(reply.headers ?? {}));
  if (respond !== undefined) {
    respond(null, reply.answer);
    return;
  }
  for (const part of [reply.answer].flat()) call.write(part as JsonValue);
  call.end();
}

/** Messages are JSON on the side of the fake. */
function definitionOf({
  parent,
  name,
  input,
  output,
  methodKind,
}: DescMethod): ServiceDefinition[string] {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: false,
    responseStream: methodKind === 'server_streaming',
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: (bytes: Buffer) => toJson(input, fromBinary(input, bytes)),
    responseSerialize: (value: JsonValue) => Buffer.from(toBinary(output, fromJson(output, value))),
    responseDeserialize: () => null,
  };
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

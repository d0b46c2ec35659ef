import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { type Logger, pino } from 'pino';
import { type ApiLimits, ApiServer, type ApiServerParts } from '../../src/api/server.ts';
import type { Surroundings } from '../../src/api/view/entries.ts';
import { FloxyError } from '../../src/base/errors.ts';
import { type AccessConfig, type Config, NO_PRINCIPALS } from '../../src/config/config.ts';
import type { Collector } from '../../src/model/rules.ts';
import { packageRoot } from '../../src/package-root.ts';
import { loadServices } from '../../src/protocol/definitions.ts';
import { HANG_MS } from '../lab/shell.ts';
import { FakeControl } from './fake-control.ts';
import { FakePipelines } from './fake-pipelines.ts';

export const BUILD_INFO = {
  version: '0.1.0',
  commit: '0123abcd',
  buildTime: '2026-11-21T10:00:00Z',
  nodeVersion: process.version,
  platform: 'linux-x64',
  pid: process.pid,
};

/** Of a node that has just started. */
export const SURROUNDINGS: Surroundings = {
  startedAt: new Date('2026-11-21T10:00:00Z'),
  listening: ['[::]:2055'],
  history: { last: () => undefined },
  settings: [],
  explaining: {
    findWays: async () => new Map(),
    homeOf: ([first]) => first as Collector,
    healthOf: () => undefined,
    servingOf: (collectors) => collectors,
    ipv4SourcePrefix: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255),
  },
  exporters: { silent: () => [] },
  events: { after: () => ({ events: [], missed: 0 }), subscribe: () => () => undefined },
};

/** What an API has unless settings say otherwise: everybody may do all. */
export const OPEN_ACCESS: AccessConfig = {
  hasRoles: false,
  named: { admin: NO_PRINCIPALS, editor: NO_PRINCIPALS, viewer: NO_PRINCIPALS },
  localUsers: 'viewer',
  others: 'nothing',
  tokensPath: undefined,
};

const notKept = async (): Promise<never> => {
  throw new FloxyError('NOT_FOUND', 'nothing is kept');
};

/** Of a server whose control plane keeps nothing. */
export const NO_HISTORY: Pick<ApiServerParts, 'rulesHistory' | 'backups'> = {
  rulesHistory: { revisions: notKept, rulesOf: notKept },
  backups: { make: notKept, read: notKept },
};

export const LOOPBACK = Uint8Array.of(127, 0, 0, 1);

/** Settings of an API on a free port of the loopback, with these in place of the usual ones. */
export function apiConfig(config: Partial<Config['api']> = {}): Config['api'] {
  const usual = { octets: LOOPBACK, port: 0, tls: undefined, socket: undefined };
  return { ...usual, access: OPEN_ACCESS, ...config };
}

/** A real API server before a fake control plane; stopped at the end of its scope. */
export interface TestApi extends AsyncDisposable {
  readonly control: FakeControl;
  readonly server: ApiServer;
  readonly pipelines: FakePipelines;
  /** host:port */
  readonly address: string;
  /** Records of the server's log. */
  readonly logged: Record<string, unknown>[];
}

export async function startApi(
  config: Partial<Config['api']> = {},
  limits: Partial<ApiLimits> = {},
  parts: Partial<ApiServerParts> & Partial<Surroundings> = {},
): Promise<TestApi> {
  buildProtoOnce();
  const control = new FakeControl();
  const logged: Record<string, unknown>[] = [];
  const pipelines = new FakePipelines();
  const server = new ApiServer({
    control,
    pipelines,
    buildInfo: BUILD_INFO,
    surroundings: { ...SURROUNDINGS, ...parts },
    ...NO_HISTORY,
    config: apiConfig(config),
    log: recordingLog(logged),
    limits,
    ...parts,
  });
  await server.start();
  return {
    control,
    pipelines,
    server,
    address: `127.0.0.1:${server.boundPort}`,
    logged,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

export function recordingLog(records: Record<string, unknown>[]): Logger {
  return pino({ level: 'debug' }, { write: (line) => records.push(JSON.parse(line)) });
}

function buildProtoOnce(): void {
  if (existsSync(join(packageRoot, 'dist/proto/types/health.binpb'))) return;
  execFileSync(process.execPath, [join(packageRoot, 'scripts/build-proto.ts')]);
}

/** The outcome of a call: an error or an answer. */
export interface Outcome<Answer> {
  readonly error: ServiceError | undefined;
  readonly answer: Answer | undefined;
  readonly headers: Metadata;
}

/** A grpc-js client of the API. Its messages are what src/protocol/messages.ts describes. */
export class TestClient {
  readonly client: Client;
  readonly #services = loadServices();

  constructor(address: string, channel: ChannelCredentials = credentials.createInsecure()) {
    this.client = new Client(address, channel, { 'grpc.max_receive_message_length': -1 });
  }

  [Symbol.dispose](): void {
    this.client.close();
  }

  /** Methods of Settings; those of others are `Metrics.GetProxyStats`, `View.GetOverview`. */
  async call<Answer>(
    method: string,
    request: object = {},
    headers: Record<string, string> = {},
  ): Promise<Outcome<Answer>> {
    const { settings, metrics, view } = this.#services;
    const [name = '', service] = method.split('.').toReversed();
    const others = new Map([
      ['Metrics', metrics],
      ['View', view],
    ]);
    const definition = (service === undefined ? settings : others.get(service))?.[name];
    if (definition === undefined) throw new Error(`no method ${method}`);
    return unaryCall<Answer>(this.client, definition, request, headers);
  }

  /** The answer of a call that must succeed. */
  async ask<Answer>(
    method: string,
    request: object = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const { error, answer } = await this.call<Answer>(method, request, headers);
    if (answer === undefined) throw error ?? new Error(`${method} answered nothing`);
    return answer;
  }
}

/** Calls a method, with a deadline that only what hangs misses. */
export function unaryCall<Answer>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: ServiceDefinition[string],
  request: unknown,
  headers: Record<string, string> = {},
): Promise<Outcome<Answer>> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const deadline = Date.now() + HANG_MS;
  return new Promise((resolve) => {
    let answerHeaders = new Metadata();
    const call = client.makeUnaryRequest<unknown, Answer>(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline },
      (error, answer) => resolve({ error: error ?? undefined, answer, headers: answerHeaders }),
    );
    call.on('metadata', (received) => {
      answerHeaders = received;
    });
  });
}

/** What a program wrote and how it ended. */
export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs test/api/client.py with a text-format request. */
export function runPythonClient(args: readonly string[], request = ''): Promise<RunResult> {
  const script = join(packageRoot, 'test/api/client.py');
  return run('/usr/bin/python3', [script, ...args], request);
}

/** Runs `buf curl` without any schema: it asks the server's reflection. */
export function runBufCurl(args: readonly string[]): Promise<RunResult> {
  const buf = join(packageRoot, 'node_modules/@bufbuild/buf/bin/buf');
  const options = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge'];
  return run(process.execPath, [buf, ...options, ...args], '');
}

function run(program: string, args: readonly string[], input: string): Promise<RunResult> {
  return new Promise((resolve) => {
    const options = { timeout: HANG_MS, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : Number(error.code ?? -1);
      resolve({ exitCode, stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

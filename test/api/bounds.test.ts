/** What clients can make the service do, keep and wait for has bounds. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import { makeEndpoint } from '../../src/model/endpoint.ts';
import { makeCertificate } from '../cli/certificates.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { tellTime } from '../lab/times.ts';
import { outputs } from '../support/rule-sets.ts';
import { type Outcome, startApi, type TestApi, TestClient, unaryCall } from './harness.ts';
import type { HostileCalls } from './hostile-worker.ts';
import { longestStretchMs } from './loop-stretch.ts';

const MIB = 1024 * 1024;

/**
 * A turn of long work takes 5 ms, and collecting garbage comes on top of it. Without turns and limits it is some
 * seconds. The announcer waits 1.7 s.
 */
const LONGEST_STRETCH_MS = 500;

/** Makes calls from another thread. @returns their status codes */
async function callHostile(data: HostileCalls): Promise<number[]> {
  const worker = new Worker(new URL('./hostile-worker.ts', import.meta.url), { workerData: data });
  const [codes] = await once(worker, 'message');
  await worker.terminate();
  return codes;
}

/** Looks at the health of the service again and again. @returns how often it was SERVING */
async function countHealthy(client: TestClient, until: Promise<unknown>): Promise<number> {
  const { Check } = healthDefinition;
  assert.ok(Check);
  let isDone = false;
  const done = until.finally(() => {
    isDone = true;
  });
  let healthy = 0;
  while (!isDone) {
    const { answer }: Outcome<{ status: string }> = await unaryCall(client.client, Check, {});
    assert.equal(answer?.status, 'SERVING');
    healthy += 1;
  }
  await done;
  return healthy;
}

function fill(api: TestApi, rules: number): void {
  const sent = outputs(['198.51.100.1:9995'], ['198.51.100.2:9995']);
  api.control.ruleSet = {
    rules: Array.from({ length: rules }, (_, i) => ({
      exporter: { endpoint: makeEndpoint(Uint8Array.of(10, i >> 16, (i >> 8) & 255, i & 255), 0) },
      outputs: sent,
    })),
    defaultOutputs: sent,
  };
}

/** exporters {endpoint {octets: 10.0.0.1}} */
const EXPORTER = [0x0a, 8, 0x0a, 6, 0x12, 4, 10, 0, 0, 1];

for (const [what, call, code] of [
  [
    'statistics of millions of exporters',
    { method: 'GetProxyStats', bytes: EXPORTER, copies: 5_000_000, calls: 2 },
    Status.RESOURCE_EXHAUSTED,
  ],
  [
    'statistics of more exporters than may be named',
    { method: 'GetProxyStats', bytes: EXPORTER, copies: 100_000, calls: 32 },
    Status.RESOURCE_EXHAUSTED,
  ],
  [
    'statistics of exporters without addresses',
    { method: 'GetProxyStats', bytes: [0x0a, 0], copies: 10_000, calls: 32 },
    Status.INVALID_ARGUMENT,
  ],
  [
    'deletion of exporters without addresses',
    { method: 'DeleteProxyRules', bytes: [0x0a, 0], copies: 200_000, calls: 4 },
    Status.INVALID_ARGUMENT,
  ],
  [
    'a rule set of millions of empty rules',
    { method: 'ReplaceProxyRules', bytes: [0x0a, 0], copies: 30_000_000, calls: 2 },
    Status.RESOURCE_EXHAUSTED,
  ],
  [
    'lists of 100,000 rules',
    { method: 'ListProxyRules', bytes: [], copies: 0, calls: 3 },
    Status.OK,
  ],
] as const) {
  test(`A11: health is answered while others ask for ${what}`, async (t) => {
    // Who waits for room, or sends slowly, is refused after a while: on a busy machine that is not the question.
    await using api = await startApi(
      {},
      { waitMs: HANG_MS, requestMs: HANG_MS, unreadMs: HANG_MS },
    );
    fill(api, 100_000);
    using bystander = new TestClient(api.address);
    const codes = callHostile({ address: api.address, ...call });
    const [healthy, longest] = await Promise.all([
      countHealthy(bystander, codes),
      longestStretchMs(codes),
    ]);
    tellTime('the event loop is held up by one thing', longest, 100);
    t.diagnostic(`${healthy} looks, longest stretch ${longest.toFixed(0)} ms`);
    assert.deepEqual(new Set(await codes), new Set([code]));
    assert.ok(longest < LONGEST_STRETCH_MS, `${longest} ms`);
  });
}

const GRPC_HEADERS = {
  ':method': 'POST',
  'content-type': 'application/grpc',
  te: 'trailers',
} as const;

/** An HTTP/2 connection that is cut at the end of its scope. */
function open(api: TestApi, options: object = {}): ClientHttp2Session & Disposable {
  const session = connectHttp2(`http://${api.address}`, options);
  session.on('error', () => undefined);
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

/** Begins a call; gRPC status and message are there when it has ended. */
function begin(session: ClientHttp2Session, path: string, headers: object = {}) {
  const stream = session.request({ ...GRPC_HEADERS, ...headers, ':path': path });
  stream.on('error', () => undefined);
  const seen: { status?: string; message?: string; isClosed?: boolean } = {};
  const look = (headers: Record<string, unknown>) => {
    if (headers['grpc-status'] === undefined) return;
    seen.status = String(headers['grpc-status']);
    seen.message = decodeURI(String(headers['grpc-message'] ?? ''));
  };
  stream.on('response', look);
  stream.on('trailers', look);
  stream.on('close', () => {
    seen.isClosed = true;
  });
  return { stream, seen };
}

const SETTINGS = '/collector.proto.Settings';

test('a request that does not end costs its client the connection, and requests share what memory there is', async () => {
  const limits = { requestMs: 500, bytesPerSecond: 1000 * MIB, requestBytes: 64 * MIB };
  await using api = await startApi({}, limits);
  const before = process.memoryUsage().arrayBuffers;
  // What this client has not sent yet is no reason for it to refuse answers.
  using first = open(api, { maxSessionMemory: 1000 });
  using second = open(api, { maxSessionMemory: 1000 });
  const head = Buffer.from([0, 3, 0xc0, 0, 0]); // 60 MiB and more are to come
  const piece = Buffer.alloc(4 * MIB);
  const calls = [first, second].flatMap((session) =>
    Array.from({ length: 16 }, () => begin(session, `${SETTINGS}/ReplaceProxyRules`)),
  );
  for (const { stream } of calls) {
    stream.write(head);
    stream.write(piece);
  }
  let most = 0;
  await waitFor(
    'both are cut off',
    () => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before - piece.length);
      return first.destroyed && second.destroyed;
    },
    60_000,
  );
  assert.ok(most < 64 * MIB, `${most} bytes`);
  using client = new TestClient(api.address);
  await client.ask('ReplaceProxyRules');
});

test('a small request that does not end costs its client the connection', async () => {
  await using api = await startApi({}, { requestMs: 300 });
  using session = open(api);
  const { stream } = begin(session, `${SETTINGS}/GetSystemStatus`);
  stream.write(Buffer.from([0, 0, 0]));
  await waitFor('it is cut off', () => session.destroyed);
  assert.ok(api.logged.some(({ why }) => why === 'its request does not end'));
});

test('a request is refused by its announced length alone', async () => {
  await using api = await startApi();
  using session = open(api);
  const cases = [
    ['GetSystemStatus', 4097],
    ['GetProxyStats', MIB + 1],
    ['DeleteProxyRules', 8 * MIB + 1],
    ['ReplaceProxyRules', 64 * MIB + 1],
    ['WatchProxyRules', 4097],
  ] as const;
  for (const [method, length] of cases) {
    const { stream, seen } = begin(session, `${SETTINGS}/${method}`);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length, 1);
    stream.write(head);
    await waitFor('it is refused', () => seen.status);
    assert.equal(Number(seen.status), Status.RESOURCE_EXHAUSTED, method);
    assert.match(seen.message ?? '', new RegExp(`${length} vs ${length - 1}`));
  }
});

test('little that arrives compressed does not become more than a request may be', async () => {
  await using api = await startApi();
  using session = open(api);
  const compressed = gzipSync(Buffer.alloc(2 * MIB));
  for (const method of ['GetSystemStatus', 'GetProxyStats']) {
    const { stream, seen } = begin(session, `${SETTINGS}/${method}`, { 'grpc-encoding': 'gzip' });
    const head = Buffer.from([1, 0, 0, 0, 0]);
    head.writeUInt32BE(compressed.length, 1);
    stream.end(Buffer.concat([head, compressed]));
    await waitFor('it is refused', () => seen.status);
    assert.equal(Number(seen.status), Status.RESOURCE_EXHAUSTED, method);
  }
});

test('answers that are not read: the client is cut off, and they take no more than their share', async () => {
  const limits = { unreadMs: 1500, bytesPerSecond: 1000 * MIB, answerBytes: 8 * MIB };
  await using api = await startApi({}, limits);
  fill(api, 50_000);
  const before = process.memoryUsage().arrayBuffers;
  const sessions = Array.from({ length: 10 }, () =>
    open(api, { settings: { initialWindowSize: 1000 } }),
  );
  try {
    const calls = sessions.flatMap((session) =>
      Array.from({ length: 4 }, () => begin(session, `${SETTINGS}/ListProxyRules`)),
    );
    for (const { stream } of calls) {
      stream.pause();
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    }
    let most = 0;
    await waitFor(
      'clients are cut off',
      () => {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        return api.logged.some(({ why }) => why === 'its client does not read the answer');
      },
      60_000,
    );
    // An answer has some 5 MB, and there are copies of it for a moment: 40 of them would take 200 to 600 MB.
    assert.ok(most < 120 * MIB, `${most} bytes`);
  } finally {
    for (const session of sessions) session.destroy();
  }
});

test('a stream that is not read: its client is cut off, and others go on', async () => {
  await using api = await startApi({}, { unreadMs: 500 });
  fill(api, 50_000);
  using deaf = open(api, { settings: { initialWindowSize: 1000 } });
  const { stream } = begin(deaf, `${SETTINGS}/WatchProxyRules`);
  stream.pause();
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  using listening = open(api);
  const { stream: heard } = begin(listening, `${SETTINGS}/WatchProxyRules`);
  heard.resume();
  heard.end(Buffer.from([0, 0, 0, 0, 0]));
  await waitFor('it is cut off', () => deaf.destroyed);
  assert.ok(api.logged.some(({ why }) => why === 'its client does not read the stream'));
  assert.equal(listening.destroyed, false);
  await waitFor('nothing of it is left', () => api.control.listeners === 1);
});

function openSocket(api: TestApi): Promise<{ socket: Socket; isClosed: () => boolean }> {
  const socket = connect(api.server.boundPort, '127.0.0.1');
  let isClosed = false;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
  });
  socket.resume();
  return once(socket, 'connect').then(() => ({ socket, isClosed: () => isClosed }));
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

test('a connection over which nothing comes is closed after a while', async () => {
  await using api = await startApi({}, { firstWordMs: 300 });
  const { isClosed } = await openSocket(api);
  await waitFor('it is closed', isClosed);
});

test('a connection whose other end gives no sign of life is closed; one that answers is kept', async () => {
  await using api = await startApi({}, { pingIntervalMs: 200, pingLimitMs: 200 });
  using alive = open(api);
  const { socket, isClosed } = await openSocket(api);
  socket.write(Buffer.concat([PREFACE, EMPTY_SETTINGS]));
  await waitFor('it is closed', isClosed);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.equal(alive.destroyed, false);
});

test('a connection without calls is closed after a while', async () => {
  await using api = await startApi({}, { idleMs: 300 });
  using idle = open(api);
  await waitFor('it is closed', () => idle.closed || idle.destroyed);
});

test('for one more connection than there may be, the one idle for longest goes', async () => {
  await using api = await startApi({}, { connections: 3 });
  const [first, ...others] = [await openSocket(api), await openSocket(api), await openSocket(api)];
  using client = new TestClient(api.address);
  await client.ask('ListProxyRules');
  await waitFor('the oldest is closed', first.isClosed);
  assert.deepEqual(
    others.map(({ isClosed }) => isClosed()),
    [false, false],
  );
  for (const { socket } of others) socket.destroy();
});

test('connections that never made a call go before one that did, however long that is idle', async () => {
  await using api = await startApi({}, { connections: 3 });
  using operator = open(api);
  const call = begin(operator, `${SETTINGS}/GetBuildInfo`);
  call.stream.end(Buffer.from([0, 0, 0, 0, 0]));
  await once(call.stream.resume(), 'close');
  const strangers: Awaited<ReturnType<typeof openSocket>>[] = [];
  for (let i = 0; i < 20; i++) strangers.push(await openSocket(api));
  await waitFor('those that came first are closed', () => {
    return strangers.filter(({ isClosed }) => isClosed()).length === 18;
  });
  assert.equal(operator.closed || operator.destroyed, false);
  for (const { socket } of strangers) socket.destroy();
});

test('when all connections are in use, one more is closed, and the log tells', async () => {
  await using api = await startApi({}, { connections: 2 });
  using first = open(api);
  using second = open(api);
  const calls = [first, second].map((session) => begin(session, `${SETTINGS}/WatchProxyRules`));
  for (const { stream } of calls) stream.end(Buffer.from([0, 0, 0, 0, 0]));
  await Promise.all(calls.map(({ stream }) => once(stream, 'response')));
  const { isClosed } = await openSocket(api);
  await waitFor('it is closed', isClosed);
  assert.ok(api.logged.some(({ msg }) => /too many are in use/.test(String(msg))));
});

test('a connection may have 32 calls at once', async () => {
  await using api = await startApi();
  using session = open(api);
  await once(session, 'remoteSettings');
  assert.equal(session.remoteSettings.maxConcurrentStreams, 32);
});

test('a TLS connection over which nothing comes is closed after a while', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'floxy-silent-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { certificate, key } = makeCertificate(folder, 'localhost');
  const tls = { certificatePath: certificate, keyPath: key, clientCaPath: undefined };
  await using api = await startApi({ tls }, { firstWordMs: 300 });
  const { isClosed } = await openSocket(api);
  await waitFor('it is closed', isClosed);
});

test('a handler that throws, or answers what is no message, gives INTERNAL and no secret', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  api.control.failure = new Error('secret');
  const { error } = await client.call('ListProxyRules');
  assert.equal(error?.code, Status.INTERNAL);
  assert.doesNotMatch(error?.details ?? '', /secret/);
  api.control.failure = undefined;
  api.control.ruleSet = { rules: [5], defaultOutputs: [] } as never;
  assert.equal((await client.call('ListProxyRules')).error?.code, Status.INTERNAL);
});

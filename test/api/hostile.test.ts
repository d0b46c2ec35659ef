/** Clients that are broken or mean: the others must not notice. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { status as Status } from '@grpc/grpc-js';
import { MAX_REQUEST_BYTES } from '../../src/model/limits.ts';
import { loadServices } from '../../src/protocol/definitions.ts';
import { runPythonClient, startApi, TestClient, unaryCall } from './harness.ts';

const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Sends bytes on a connection of their own; resolves when the server closes it or stops answering. */
function sendBytes(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.resume();
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}

/** The same bytes in each run: a xorshift generator. */
function pseudoRandomBytes(length: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(
    Array.from({ length }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    }),
  );
}

/** Calls a method with a request of these bytes. */
function callRaw(client: TestClient, name: string, bytes: Buffer) {
  const method = loadServices().settings[name];
  assert.ok(method);
  return unaryCall(client.client, { ...method, requestSerialize: () => bytes }, {});
}

test('random bytes on a connection, before or after the HTTP/2 preface, hurt nobody', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const port = api.server.boundPort;
  for (let seed = 1; seed <= 100; seed++) {
    const bytes = pseudoRandomBytes(seed * 7, seed);
    await Promise.all([
      sendBytes(port, bytes),
      sendBytes(port, Buffer.concat([HTTP2_PREFACE, bytes])),
    ]);
    if (seed % 20 === 0) await client.ask('ListProxyRules');
  }
  await sendBytes(port, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  await client.ask('ListProxyRules');
});

test('1,000 idle connections do not keep another client from its answers', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const idle: Socket[] = [];
  try {
    for (let i = 0; i < 1000; i++) {
      const socket = connect(api.server.boundPort, '127.0.0.1');
      socket.on('error', () => undefined);
      idle.push(socket);
      await once(socket, 'connect');
    }
    await client.ask('ListProxyRules');
  } finally {
    for (const socket of idle) socket.destroy();
  }
});

test('V6: a message over the limit gets RESOURCE_EXHAUSTED, one below is read', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const { error } = await callRaw(client, 'ReplaceProxyRules', Buffer.alloc(MAX_REQUEST_BYTES + 1));
  assert.equal(error?.code, Status.RESOURCE_EXHAUSTED);
  const rule = { exporter: { endpoint: { host: '2001:db8::1', port: 65_535 } }, outputs: [] };
  await client.ask('UpdateProxyRules', { rules: new Array(200_000).fill(rule) });
  assert.equal(api.control.revision, 1);
});

test('bytes that are no message get INVALID_ARGUMENT', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  for (const bytes of [Buffer.of(0xff), Buffer.alloc(60_000, 0x0b), Buffer.alloc(200_000, 0x0b)]) {
    const { error } = await callRaw(client, 'ReplaceProxyRules', bytes);
    assert.equal(error?.code, Status.INVALID_ARGUMENT);
  }
  assert.equal(api.control.revision, 0);
});

test('a message of a failure that is longer than headers may be still reaches other gRPC libraries', async () => {
  await using api = await startApi();
  const host = 'ъ'.repeat(100_000);
  const rules = `rules {exporter {endpoint {host: "${host}"}}}`;
  const method = 'collector.proto.Settings/ReplaceProxyRules';
  const { exitCode, stderr } = await runPythonClient([api.address, method], rules);
  assert.equal(exitCode, Status.INVALID_ARGUMENT);
  assert.match(stderr, /^INVALID_ARGUMENT: rules\[0\]\.exporter\.endpoint\.host: /);
});

test('a path of any bytes gets UNIMPLEMENTED', async () => {
  await using api = await startApi();
  for (const path of ['/é\u0080', `/${'x'.repeat(20_000)}`, '/', '/collector.proto.Settings/']) {
    const session = connectHttp2(`http://${api.address}`);
    try {
      const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc' };
      const stream = session.request(headers).end();
      const [response] = await once(stream, 'response');
      assert.equal(Number(response['grpc-status']), Status.UNIMPLEMENTED, path.slice(0, 20));
    } finally {
      session.destroy();
    }
  }
});

/** What a follower makes of a leader that is strange, and TLS between the two. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FollowConfig } from '../../src/config/config.ts';
import { frameMessage } from '../../src/follower/grpc-frames.ts';
import { loadServices } from '../../src/protocol/definitions.ts';
import { fromStep } from '../../src/protocol/revision-codec.ts';
import { makeCertificate } from '../cli/certificates.ts';
import { waitFor } from '../lab/shell.ts';
import { rule, ruleSet } from '../support/rule-sets.ts';
import { follow, Node } from './node.ts';

async function serve(server: Server | Http2Server): Promise<AsyncDisposable & { port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

/** The error that a follower of this port shows. */
async function errorOf(config: FollowConfig): Promise<string> {
  await using follower = await Node.start({ follow: config });
  const shown = () => follower.following.error;
  return await waitFor('an error is shown', () => shown() !== 'not connected yet' && shown());
}

/** An HTTP/2 server that answers every call with the same. */
function answering(headers: Record<string, string | number>, body: Buffer): Http2Server {
  const server = createHttp2();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers });
    stream.end(body);
  });
  return server;
}

test('nobody there', async () => {
  const gone = await serve(createHttp2());
  await gone[Symbol.asyncDispose]();
  assert.match(await errorOf(follow(gone)), /ECONNREFUSED/);
  assert.match(await errorOf({ ...follow(gone), host: 'localhost' }), /ECONNREFUSED/);
});

test('a leader that is too old for it', async () => {
  const headers = { 'grpc-status': 12, 'grpc-message': 'unknown%20method' };
  await using old = await serve(answering(headers, Buffer.alloc(0)));
  assert.match(await errorOf(follow(old)), /upgrade it first \(unknown method\)/);
});

test('a leader that has too many followers', async () => {
  const headers = { 'grpc-status': 8, 'grpc-message': '64 callers watch already' };
  await using full = await serve(answering(headers, Buffer.alloc(0)));
  assert.match(await errorOf(follow(full)), /gRPC status 8: 64 callers watch already/);
});

test('another HTTP/2 server', async () => {
  await using web = await serve(answering({ ':status': 404 }, Buffer.from('not here')));
  assert.match(await errorOf(follow(web)), /HTTP status 404/);
});

test('a server that speaks HTTP/1', async () => {
  await using web = await serve(createHttp1((_request, response) => response.end()));
  assert.match(await errorOf(follow(web)), /no connection to the leader/);
});

test('garbage, compressed and huge messages', async () => {
  const cases: [Buffer, RegExp][] = [
    [Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]), /no connection to the leader/],
    [Buffer.from([1, 0, 0, 0, 0]), /compressed/],
    [Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), /4294967295 bytes/],
    [Buffer.from([0, 0, 0, 0, 0]), /neither a revision nor an error/],
  ];
  for (const [body, message] of cases) {
    await using strange = await serve(answering({}, body));
    assert.match(await errorOf(follow(strange)), message);
  }
});

test('a leader whose differences do not fit is asked for all of its rules, at once', async () => {
  const set = ruleSet([rule('192.0.2.1')]);
  const change = { kind: 'edit', deleted: [], upserts: set.rules, defaultOutputs: [] } as const;
  const requests: string[] = [];
  const method = loadServices().settings['WatchProxyRules'];
  assert.ok(method);
  const server = createHttp2();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      const request = method.requestDeserialize(chunk.subarray(5)) as { digest?: string };
      requests.push(request.digest ?? 'all');
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      const base = request.digest;
      const step = { revision: 5, digest: 'counted otherwise', base, change };
      for (const message of fromStep(step, 'binary')) {
        stream.write(frameMessage(method.responseSerialize(message)));
      }
    });
  });
  await using other = await serve(server);
  await using follower = await Node.start({ follow: follow(other) });
  await waitFor('the rules are in force', () => follower.following.appliedRevision === 5);
  assert.deepEqual(requests.slice(1), ['all']);
  assert.deepEqual(follower.control.rules().ruleSet, set);
});

/** A follower that is refused is no burden: it asks once in two seconds. */
test('a leader that refuses is not asked in haste', async () => {
  const calledAtMs: number[] = [];
  const server = answering({ 'grpc-status': 12 }, Buffer.alloc(0));
  server.on('stream', () => calledAtMs.push(performance.now()));
  await using old = await serve(server);
  await using follower = await Node.start({ follow: follow(old) });
  await waitFor('the second call', () => calledAtMs.length >= 2);
  const [first = 0, second = 0] = calledAtMs;
  assert.ok(second - first > 1_900, `${second - first} ms`);
  assert.equal(follower.following.isConnected, false);
});

test('TLS: the leader must be signed by the CA and have the name; a client certificate is shown', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'floxy-follow-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const server = makeCertificate(folder, 'localhost');
  const client = makeCertificate(folder, 'follower');
  const tls = {
    certificatePath: server.certificate,
    keyPath: server.key,
    clientCaPath: client.certificate,
  };
  await using leader = await Node.start({ tls });
  await leader.control.change({ kind: 'edit', deleted: [], upserts: [rule('192.0.2.1')] });
  const pairOf = ({ certificate, key }: typeof client) => ({
    certificatePath: certificate,
    keyPath: key,
  });
  const good: FollowConfig = {
    ...follow(leader, { caPath: server.certificate, ...pairOf(client) }),
    host: 'localhost',
    target: `localhost:${leader.port}`,
  };
  await using follower = await Node.start({ follow: good });
  await follower.hasRulesOf(leader);

  const noName = { ...good, host: '127.0.0.1' };
  assert.match(await errorOf(noName), /altnames|IP/);
  const wrongCa = { ...good, tls: { caPath: client.certificate, ...pairOf(client) } };
  assert.match(await errorOf(wrongCa), /certificate/);
  const nobody = { ...good, tls: { caPath: server.certificate, ...pairOf(server) } };
  assert.match(await errorOf(nobody), /no connection to the leader/);
  assert.match(await errorOf({ ...good, tls: undefined }), /no connection to the leader/);
  const lostFile = { ...good, tls: { caPath: join(folder, 'none'), ...pairOf(client) } };
  assert.match(await errorOf(lostFile), /ENOENT/);
});

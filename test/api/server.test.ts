/** Start, stop, addresses and TLS of the API server. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { credentials, status as Status } from '@grpc/grpc-js';
import { ApiServer } from '../../src/api/server.ts';
import { FloxyError } from '../../src/base/errors.ts';
import type { ChangeResult } from '../../src/control/control.ts';
import { parseAddress } from '../../src/model/address.ts';
import { EMPTY_RULE_SET } from '../../src/model/rules.ts';
import { compareRules } from '../../src/rules/comparison.ts';
import { tellTime } from '../lab/times.ts';
import {
  apiConfig,
  BUILD_INFO,
  NO_HISTORY,
  recordingLog,
  SURROUNDINGS,
  startApi,
  TestClient,
} from './harness.ts';

/** A folder with a CA and two certificates signed by it, for the server and for a client. */
function makeCertificates(): Disposable & { path(name: string): string } {
  const folder = mkdtempSync(join(tmpdir(), 'floxy-tls-'));
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-subj',
    '/CN=test CA',
    '-days',
    '1',
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
  );
  writeFileSync(path('names'), 'subjectAltName=IP:127.0.0.1\n');
  for (const name of ['server', 'client']) {
    openssl(
      'req',
      ...newKey,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      path(`${name}.key`),
      '-out',
      path(`${name}.csr`),
    );
    const signing = [
      '-CA',
      path('ca.pem'),
      '-CAkey',
      path('ca.key'),
      '-CAcreateserial',
      '-days',
      '1',
    ];
    openssl(
      'x509',
      '-req',
      '-in',
      path(`${name}.csr`),
      ...signing,
      '-extfile',
      path('names'),
      '-out',
      path(`${name}.pem`),
    );
  }
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

test('an address in use fails the start with its name and what to do', async () => {
  await using api = await startApi();
  await assert.rejects(startApi({ port: api.server.boundPort }), (error) => {
    assert.ok(error instanceof FloxyError);
    assert.ok(error.message.includes(api.address));
    assert.match(error.message, /EADDRINUSE/);
    assert.match(error.message, /another program listens there/);
    assert.match(error.message, /COLLECTOR_API_ADDRESS or COLLECTOR_BACKEND_METRICS_PORT/);
    return true;
  });
  using client = new TestClient(api.address);
  await client.ask('ListProxyRules');
});

test('an address that the host does not have fails the start with what to do', async () => {
  const octets = parseAddress('2001:db8::1');
  assert.ok(octets);
  await assert.rejects(startApi({ octets, port: 8853 }), {
    message: /\[2001:db8::1\]:8853 .*COLLECTOR_API_ADDRESS/,
  });
});

test('a server whose start failed can be stopped', async () => {
  await using api = await startApi();
  const config = apiConfig({ port: api.server.boundPort });
  const { control, pipelines } = api;
  const known = { buildInfo: BUILD_INFO, surroundings: SURROUNDINGS, ...NO_HISTORY };
  const parts = { control, pipelines, ...known, config, log: recordingLog([]) };
  const second = new ApiServer(parts);
  await second.stop();
  await assert.rejects(second.start());
  await second.stop();
});

test('[::] serves IPv4 clients too', async () => {
  await using api = await startApi({ octets: new Uint8Array(16) });
  using ipv4 = new TestClient(`127.0.0.1:${api.server.boundPort}`);
  using ipv6 = new TestClient(`[::1]:${api.server.boundPort}`);
  await ipv4.ask('ListProxyRules');
  await ipv6.ask('ListProxyRules');
});

test('a stop lets a running call end and refuses new ones', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  using late = new TestClient(api.address);
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<ChangeResult>();
  api.control.change = () => {
    begun.resolve();
    return release.promise;
  };
  const running = client.call('ReplaceProxyRules');
  await begun.promise;
  const stopped = api.server.stop();
  const refused = await late.call('ListProxyRules');
  assert.equal(refused.error?.code, Status.UNAVAILABLE);
  const difference = await compareRules(EMPTY_RULE_SET, EMPTY_RULE_SET);
  release.resolve({ revision: 5, difference });
  const { error, headers } = await running;
  assert.equal(error, undefined);
  assert.deepEqual(headers.get('collector-rules-revision'), ['5']);
  await stopped;
});

test('a stop cuts calls and silent connections that do not end within a second', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const begun = Promise.withResolvers<void>();
  api.control.change = () => {
    begun.resolve();
    return new Promise(() => undefined);
  };
  const silent = connect(api.server.boundPort, '127.0.0.1');
  const closed = new Promise((resolve) => silent.once('close', resolve));
  silent.resume();
  const running = client.call('ReplaceProxyRules');
  await begun.promise;
  const start = performance.now();
  await api.server.stop();
  const tookMs = performance.now() - start;
  assert.ok(tookMs > 900, `${tookMs} ms`);
  tellTime('a stop cuts what does not end', tookMs, 5_000);
  assert.equal((await running).error?.code, Status.UNAVAILABLE);
  await closed;
});

test('TLS: a client that trusts the CA is served, one without TLS is not', async () => {
  using files = makeCertificates();
  const tls = {
    certificatePath: files.path('server.pem'),
    keyPath: files.path('server.key'),
    clientCaPath: undefined,
  };
  await using api = await startApi({ tls });
  using client = new TestClient(
    api.address,
    credentials.createSsl(readFileSync(files.path('ca.pem'))),
  );
  await client.ask('ListProxyRules');
  using plain = new TestClient(api.address);
  assert.equal((await plain.call('ListProxyRules')).error?.code, Status.UNAVAILABLE);
  await client.ask('ListProxyRules');
});

test('mutual TLS: only a client with a certificate of the client CA is served', async () => {
  using files = makeCertificates();
  const tls = {
    certificatePath: files.path('server.pem'),
    keyPath: files.path('server.key'),
    clientCaPath: files.path('ca.pem'),
  };
  await using api = await startApi({ tls });
  const ca = readFileSync(files.path('ca.pem'));
  const key = readFileSync(files.path('client.key'));
  using known = new TestClient(
    api.address,
    credentials.createSsl(ca, key, readFileSync(files.path('client.pem'))),
  );
  await known.ask('ListProxyRules');
  using unknown = new TestClient(api.address, credentials.createSsl(ca));
  assert.equal((await unknown.call('ListProxyRules')).error?.code, Status.UNAVAILABLE);
});

test('TLS: a file that cannot be read or used is named', async () => {
  using files = makeCertificates();
  writeFileSync(files.path('garbage'), 'garbage');
  const good = {
    certificatePath: files.path('server.pem'),
    keyPath: files.path('server.key'),
    clientCaPath: undefined,
  };
  const bad = [
    {
      tls: { ...good, certificatePath: files.path('none') },
      message: /certificate \S+none .*ENOENT/,
    },
    {
      tls: { ...good, certificatePath: files.path('garbage') },
      message: /certificate \S+garbage /,
    },
    { tls: { ...good, keyPath: files.path('garbage') }, message: /key \S+garbage / },
    {
      tls: { ...good, keyPath: files.path('client.key') },
      message: /key \S+client\.key .*mismatch/,
    },
    { tls: { ...good, clientCaPath: files.path('none') }, message: /client CA \S+none .*ENOENT/ },
    { tls: { ...good, clientCaPath: files.path('garbage') }, message: /client CA \S+garbage / },
  ];
  for (const { tls, message } of bad) {
    await assert.rejects(startApi({ tls }), { code: 'INVALID_INPUT', message });
  }
});

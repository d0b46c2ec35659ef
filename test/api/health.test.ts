import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type Client, status as Status } from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import type { State } from '../../src/model/status.ts';
import { startApi, TestClient, unaryCall } from './harness.ts';

interface HealthAnswer {
  readonly status: string;
}

function methodNamed(name: string) {
  const method = healthDefinition[name];
  assert.ok(method);
  return method;
}

async function check(client: Client, service: string): Promise<string> {
  const { answer, error } = await unaryCall<HealthAnswer>(client, methodNamed('Check'), {
    service,
  });
  return answer?.status ?? Status[error?.code ?? Status.OK];
}

function watch(client: Client, service: string) {
  const { path, requestSerialize, responseDeserialize } = methodNamed('Watch');
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
}

test('A11: health: the node is SERVING only while the proxy is OK, the proxy also without its rules', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const expected: Record<State, [node: string, proxy: string]> = {
    OK: ['SERVING', 'SERVING'],
    NotConfigured: ['NOT_SERVING', 'SERVING'],
    Configuring: ['NOT_SERVING', 'NOT_SERVING'],
    Offline: ['NOT_SERVING', 'NOT_SERVING'],
  };
  for (const [state, [node, proxy]] of Object.entries(expected)) {
    api.control.state = state as State;
    assert.equal(await check(client.client, ''), node, state);
    assert.equal(await check(client.client, 'proxy'), proxy, state);
    for (const service of ['collector.proto.Settings', 'collector.proto.Metrics']) {
      assert.equal(await check(client.client, service), 'SERVING', state);
    }
  }
});

test('health: "configured" is SERVING when the node does its share and has had rules, now or before', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  assert.equal(await check(client.client, 'configured'), 'NOT_SERVING');
  await client.ask('ReplaceProxyRules');
  assert.equal(await check(client.client, 'configured'), 'SERVING');
  await client.ask('Drain');
  assert.equal(await check(client.client, 'configured'), 'NOT_SERVING');
});

test('health: an unknown service is NOT_FOUND, and SERVICE_UNKNOWN to its watchers', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  assert.equal(await check(client.client, 'collector.proto.Nothing'), 'NOT_FOUND');
  const call = watch(client.client, 'collector.proto.Nothing');
  call.on('error', () => undefined);
  assert.deepEqual((await once(call, 'data'))[0], { status: 'SERVICE_UNKNOWN' });
  call.cancel();
});

test('health: all services are listed', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const { answer } = await unaryCall<{ statuses: Record<string, HealthAnswer> }>(
    client.client,
    methodNamed('List'),
    {},
  );
  assert.deepEqual(answer?.statuses, {
    '': { status: 'SERVING' },
    configured: { status: 'NOT_SERVING' },
    proxy: { status: 'SERVING' },
    'collector.proto.Settings': { status: 'SERVING' },
    'collector.proto.Metrics': { status: 'SERVING' },
  });
});

test('health: a watcher learns of changes, of the stop, and then its call ends', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const call = watch(client.client, '');
  call.on('error', () => undefined);
  const ended = new Promise<{ code: number }>((resolve) => call.once('status', resolve));
  const nextStatus = async () => (await once(call, 'data'))[0].status;
  assert.equal(await nextStatus(), 'SERVING');
  api.control.state = 'Offline';
  assert.equal(await nextStatus(), 'NOT_SERVING');
  api.control.state = 'OK';
  assert.equal(await nextStatus(), 'SERVING');
  const [last] = await Promise.all([nextStatus(), api.server.stop()]);
  assert.equal(last, 'NOT_SERVING');
  assert.equal((await ended).code, Status.UNAVAILABLE);
});

test('health: a status that cannot be told is NOT_SERVING, and logged once', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  api.logged.length = 0;
  api.control.failure = new Error('broken');
  assert.equal(await check(client.client, ''), 'NOT_SERVING');
  assert.equal(await check(client.client, 'proxy'), 'NOT_SERVING');
  assert.deepEqual(
    api.logged.map(({ level, msg }) => ({ level, msg })),
    [{ level: 50, msg: 'state of the proxy is unknown' }],
  );
});

test('A12: Drain: the empty name is NOT_SERVING until it is cancelled; all else stays as it is', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const status = () =>
    client.ask<{ proxy: { state: string }; draining?: boolean }>('GetSystemStatus');
  assert.equal((await status()).draining, undefined);
  for (let asked = 0; asked < 2; asked++) {
    assert.equal((await client.call('Drain')).error, undefined);
    assert.equal(await check(client.client, ''), 'NOT_SERVING');
    assert.equal(await check(client.client, 'proxy'), 'SERVING');
    const { draining, proxy } = await status();
    assert.deepEqual([draining, proxy.state], [true, 'OK']);
  }
  await client.ask('Drain', { cancel: false });
  assert.equal(await check(client.client, ''), 'NOT_SERVING');
  await client.ask('Drain', { cancel: true });
  assert.equal(await check(client.client, ''), 'SERVING');
  assert.equal((await status()).draining, undefined);
  const messages = api.logged.map(({ msg }) => msg).filter((msg) => /^draining/.test(String(msg)));
  assert.deepEqual(messages, ['draining', 'draining', 'draining', 'draining cancelled']);
});

/** What the API turns away: it changes nothing, leaks nothing, and takes nothing from others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { service as healthDefinition } from 'grpc-health-check';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { callRaw, STRANGER, startAccessLab } from './access-lab.ts';
import { startApi, TestClient, unaryCall } from './harness.ts';

const REPLACE = '/collector.proto.Settings/ReplaceProxyRules';
const MIB = 1024 * 1024;

interface StatusMessage {
  readonly api: { readonly access: string; readonly rejected: Readonly<Record<string, string>> };
}

describe('what is turned away', { skip: requireRoot() }, () => {
  test('A26: a flood of wrong tokens changes nothing and leaks nothing, and health is answered meanwhile', async () => {
    await using lab = await startAccessLab();
    using client = new TestClient(lab.api.address);
    await client.ask('ReplaceProxyRules');
    const { revision } = lab.api.control;
    const flood = (times: number, bytes: number, atOnce: number) => {
      const options = { address: lab.api.address, uid: STRANGER, atOnce };
      return callRaw(wrongCalls(times, bytes), options);
    };
    const before = process.memoryUsage().rss;
    const first = await flood(500, 0, 16);
    assert.deepEqual(tally(first), { UNAUTHENTICATED: 500 });
    const { api } = await client.ask<StatusMessage>('GetSystemStatus');
    assert.equal(api.access, 'roles');
    assert.equal(api.rejected['credentials'], '500');

    let isOver = false;
    const rest = flood(3000, MIB, 200).finally(() => {
      isOver = true;
    });
    let healthy = 0;
    for (; !isOver; healthy++) assert.equal(await askHealth(client), 'SERVING');
    // HTTP/2 itself resets calls of a client that keeps sending what nobody reads.
    const { UNAUTHENTICATED: refused = 0, ...others } = tally(await rest);
    const ended = new Set(['RESOURCE_EXHAUSTED', 'UNAVAILABLE', 'INTERNAL']);
    assert.ok(
      Object.keys(others).every((status) => ended.has(status)),
      JSON.stringify(others),
    );
    assert.ok(healthy > 10, `health was answered ${healthy} times`);
    assert.equal(lab.api.control.revision, revision);
    const { credentials } = lab.api.server.status().rejections;
    assert.ok(credentials >= 500 + refused && credentials <= 3500, `${credentials} counted`);
    const lines = lab.api.logged.filter(({ cause }) => cause === 'credentials');
    assert.ok(lines.length >= 1 && lines.length < 100, `${lines.length} lines`);
    assert.match(String(lines[0]?.['from']), /^127\.0\.0\.1:\d+$/);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 100 * MIB, `${grown} bytes more, of requests with ${300 * MIB}`);
  });

  test('A26: calls without the role are counted and logged with who and from where', async () => {
    await using lab = await startAccessLab();
    const calls = Array.from({ length: 5 }, () => ({ path: REPLACE }));
    await lab.call(calls, { uid: STRANGER });
    assert.equal(lab.api.server.status().rejections.role, 5);
    const lines = lab.api.logged.filter(({ cause }) => cause === 'role');
    assert.equal(lines.length, 1);
    const { who, from, call, reason } = lines[0] ?? {};
    assert.equal(who, `uid ${STRANGER}`);
    assert.match(String(from), /^127\.0\.0\.1:\d+$/);
    assert.equal(call, 'collector.proto.Settings/ReplaceProxyRules');
    assert.match(String(reason), /needs the role editor, and uid 4711 has viewer/);
  });

  test('A26: connections without a word are counted', async () => {
    await using api = await startApi({}, { firstWordMs: 200 });
    const silent = connect(api.server.boundPort, '127.0.0.1').resume();
    await once(silent, 'close');
    assert.equal(api.server.status().rejections.silent, 1);
    assert.match(JSON.stringify(api.logged), /nothing came over it/);
  });

  test('A26: headers that are no headers, and calls that do not exist, leave the API as it was', async () => {
    await using lab = await startAccessLab();
    const { revision } = lab.api.control;
    for (const path of [
      '/x',
      '/',
      '/collector.proto.Settings/',
      '/collector.proto.Settings/Replace',
    ]) {
      const [status] = await lab.call([{ path }], { uid: STRANGER });
      assert.equal(status, 'UNIMPLEMENTED', path);
    }
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    for (const bytes of [preface, `${preface}${'\0'.repeat(4000)}`, 'GET / HTTP/1.1\r\n\r\n']) {
      const socket = connect(lab.socketPath).resume();
      socket.on('error', () => undefined);
      socket.end(bytes);
      await once(socket, 'close');
    }
    assert.deepEqual(await lab.call([{ path: '/grpc.health.v1.Health/Check' }]), ['OK']);
    assert.equal(lab.api.control.revision, revision);
    // Nothing is kept of them.
    await waitFor('no connection is left', () => lab.api.server.connections === 0);
  });
});

/** How often there is each. */
function tally(words: readonly string[]): Record<string, number> {
  const groups = Object.entries(Object.groupBy(words, (word) => word));
  return Object.fromEntries(groups.map(([word, all]) => [word, all?.length ?? 0]));
}

/** @param bytes of every tenth request, which would take memory if it were read */
function wrongCalls(times: number, bytes: number) {
  return Array.from({ length: times }, (_, i) => ({
    path: REPLACE,
    headers: { authorization: `Bearer floxy_${String(i).padStart(43, 'x')}` },
    bytes: i % 10 === 0 ? bytes : 0,
  }));
}

async function askHealth({ client }: TestClient): Promise<string | undefined> {
  const check = healthDefinition['Check'];
  assert.ok(check);
  const { answer } = await unaryCall<{ status: string }>(client, check, {});
  return answer?.status;
}

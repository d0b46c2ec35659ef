/** Who may do what by the API, as programs that share no code with it see it. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Metadata, status as Status } from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import { removeToken } from '../../src/access/token-file.ts';
import { includesRole, ROLES } from '../../src/model/caller.ts';
import { loadServices } from '../../src/protocol/definitions.ts';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { callRaw, STRANGER, startAccessLab, type Token } from './access-lab.ts';
import { OPEN_ACCESS, startApi, TestClient } from './harness.ts';

const SETTINGS = '/collector.proto.Settings';
const METRICS = '/collector.proto.Metrics';
const PIPELINES = '/collector.proto.Pipelines';
const HISTORY = '/collector.proto.History';
const VIEW = '/collector.proto.View';
const CAPTURE = '/collector.proto.Capture';
const HEALTH = '/grpc.health.v1.Health';
const LIST = `${SETTINGS}/ListProxyRules`;
const REPLACE = `${SETTINGS}/ReplaceProxyRules`;

/** What every call needs. A new one is missing here until somebody has thought of who may make it. */
const NEEDED: Readonly<Record<string, 'nobody' | 'viewer' | 'editor' | 'admin'>> = {
  [LIST]: 'viewer',
  [REPLACE]: 'editor',
  [`${SETTINGS}/UpdateProxyRules`]: 'editor',
  [`${SETTINGS}/DeleteProxyRules`]: 'editor',
  [`${SETTINGS}/GetProxyStats`]: 'viewer',
  [`${SETTINGS}/GetBuildInfo`]: 'viewer',
  [`${SETTINGS}/GetSystemStatus`]: 'viewer',
  [`${SETTINGS}/Drain`]: 'editor',
  [`${SETTINGS}/WatchProxyRules`]: 'viewer',
  [`${METRICS}/GetProxyStats`]: 'viewer',
  [`${METRICS}/GetPipelineStats`]: 'viewer',
  [`${METRICS}/TailFlows`]: 'viewer',
  [`${METRICS}/ListExporters`]: 'viewer',
  [`${PIPELINES}/GetPipelines`]: 'viewer',
  [`${PIPELINES}/ReplacePipelines`]: 'editor',
  [`${PIPELINES}/ListTemplateChanges`]: 'viewer',
  [`${VIEW}/GetOverview`]: 'viewer',
  [`${VIEW}/GetServiceSettings`]: 'viewer',
  [`${VIEW}/ListRules`]: 'viewer',
  [`${VIEW}/ListStats`]: 'viewer',
  [`${VIEW}/WatchTraffic`]: 'viewer',
  [`${VIEW}/ExplainExporter`]: 'viewer',
  [`${VIEW}/WatchEvents`]: 'viewer',
  [`${HISTORY}/ListRevisions`]: 'viewer',
  [`${HISTORY}/GetRevision`]: 'viewer',
  [`${HISTORY}/RollbackRules`]: 'editor',
  [`${HISTORY}/Backup`]: 'admin',
  [`${HISTORY}/Restore`]: 'admin',
  [`${CAPTURE}/CapturePackets`]: 'admin',
  [`${HEALTH}/Check`]: 'nobody',
  [`${HEALTH}/List`]: 'nobody',
  [`${HEALTH}/Watch`]: 'nobody',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': 'viewer',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': 'viewer',
};

const REFUSED = ['UNAUTHENTICATED', 'PERMISSION_DENIED'];

const skip = { skip: requireRoot() };

describe('who may do what', skip, () => {
  test('A20: every call that is served is in the table of this test', async () => {
    const served = [...Object.values(loadServices()), healthDefinition]
      .flatMap((service) => Object.values(service).map(({ path }) => path))
      .toSorted();
    const listed = Object.keys(NEEDED).filter((path) => !path.includes('reflection'));
    assert.deepEqual(listed.toSorted(), served);
  });

  test('A20: each call is let in for roles that are enough, and for no other', async () => {
    await using lab = await startAccessLab({ localUsers: 'nothing' });
    const callers = [undefined, ...ROLES, 'expired', 'unknown'] as const;
    const paths = Object.keys(NEEDED);
    const calls = callers.flatMap((token) => paths.map((path) => ({ path, token })));
    // Streams that have nothing to say are let in without a word.
    const got = await lab.call(calls, { uid: STRANGER, seconds: 5 });
    for (const [i, { path, token }] of calls.entries()) {
      const what = `${path} with ${token}`;
      const expected = expectedOf(NEEDED[path] ?? 'admin', token);
      if (expected === undefined) assert.ok(!REFUSED.includes(got[i] ?? ''), `${what}: ${got[i]}`);
      else assert.equal(got[i], expected, what);
    }
  });

  test('A20: without roles everybody may do all, and is named in the log all the same', async () => {
    await using lab = await startAccessLab({ hasRoles: false });
    assert.deepEqual(await lab.call([{ path: REPLACE }], { uid: STRANGER }), ['OK']);
    assert.deepEqual(await lab.call([{ path: REPLACE, token: 'viewer' }], { uid: STRANGER }), [
      'OK',
    ]);
    assert.deepEqual(await lab.call([{ path: REPLACE, token: 'unknown' }]), ['UNAUTHENTICATED']);
    const who = lab.api.logged.flatMap(({ call, who }) =>
      call === 'ReplaceProxyRules' ? [who] : [],
    );
    assert.deepEqual(who, [`uid ${STRANGER}`, 'token:looks']);
  });

  test('A20: who has no role may do nothing, unless a setting lets others look', async () => {
    await using strict = await startAccessLab({ localUsers: 'nothing' });
    const calls = [{ path: LIST }, { path: REPLACE }, { path: `${HEALTH}/Check` }];
    const got = await strict.call(calls, { uid: STRANGER });
    assert.deepEqual(got, ['UNAUTHENTICATED', 'UNAUTHENTICATED', 'OK']);
    await using lenient = await startAccessLab();
    const lets = await lenient.call(calls, { uid: STRANGER });
    assert.deepEqual(lets, ['OK', 'PERMISSION_DENIED', 'OK']);
  });

  test('A20 A23: users and groups that settings name have their roles, by TCP and the socket', async () => {
    const nobody = OPEN_ACCESS.named.viewer;
    await using lab = await startAccessLab({
      named: {
        admin: { ...nobody, uids: [STRANGER] },
        editor: { ...nobody, groups: [{ name: 'daemon', gid: 1 }] },
        viewer: nobody,
      },
    });
    for (const address of [lab.api.address, `unix:${lab.socketPath}`]) {
      const [named] = await lab.call([{ path: REPLACE }], { uid: STRANGER, address });
      // User and group 1 are `daemon` on every Debian.
      const [grouped] = await lab.call([{ path: REPLACE }], { uid: 1, address });
      const [other] = await lab.call([{ path: REPLACE }], { uid: STRANGER + 1, address });
      assert.deepEqual([named, grouped, other], ['OK', 'OK', 'PERMISSION_DENIED'], address);
    }
  });
});

describe('users of this host', skip, () => {
  test('A23: root may do all by TCP without a word, others may look', async () => {
    await using lab = await startAccessLab();
    const calls = [{ path: LIST }, { path: REPLACE }, { path: `${SETTINGS}/Drain` }];
    assert.deepEqual(await lab.call(calls), ['OK', 'OK', 'OK']);
    const before = lab.api.control.revision;
    const others = ['OK', 'PERMISSION_DENIED', 'PERMISSION_DENIED'];
    assert.deepEqual(await lab.call(calls, { uid: STRANGER }), others);
    assert.equal(lab.api.control.revision, before);
  });

  test('A23: also by IPv6, and by IPv4 at [::]', async () => {
    await using lab = await startAccessLab({}, { octets: new Uint8Array(16) });
    for (const host of ['[::1]', '127.0.0.1']) {
      const address = `${host}:${lab.api.server.boundPort}`;
      assert.deepEqual(await lab.call([{ path: REPLACE }], { address }), ['OK'], address);
      const [other] = await lab.call([{ path: REPLACE }], { address, uid: STRANGER });
      assert.equal(other, 'PERMISSION_DENIED', address);
    }
  });

  test('A21: the socket tells who calls; its file has the permissions of the setting', async () => {
    await using lab = await startAccessLab();
    const address = `unix:${lab.socketPath}`;
    assert.equal(statSync(lab.socketPath).mode & 0o777, 0o666);
    const calls = [{ path: LIST }, { path: REPLACE }];
    assert.deepEqual(await lab.call(calls, { address }), ['OK', 'OK']);
    const others = await lab.call(calls, { address, uid: STRANGER });
    assert.deepEqual(others, ['OK', 'PERMISSION_DENIED']);
    const { who, from } = lab.api.logged.find(({ call }) => call === 'ReplaceProxyRules') ?? {};
    assert.equal(who, 'root (uid 0)');
    assert.match(String(from), /^unix, pid \d+$/);
  });

  test('A21: a socket that is in use is not replaced; it goes with the service', async () => {
    await using lab = await startAccessLab();
    const socket = { path: lab.socketPath, mode: 0o600 };
    {
      await using second = await startApi({ socket });
      assert.match(JSON.stringify(second.logged), /another program listens there/);
    }
    const address = `unix:${lab.socketPath}`;
    assert.deepEqual(await lab.call([{ path: LIST }], { address }), ['OK']);
    await lab.api.server.stop();
    assert.equal(statSync(lab.socketPath, { throwIfNoEntry: false }), undefined);
  });
});

describe('tokens', skip, () => {
  test('A22: a token is who calls, whatever else is known', async () => {
    await using lab = await startAccessLab();
    const call = (token: Token) =>
      lab.call([
        { path: LIST, token },
        { path: REPLACE, token },
      ]);
    assert.deepEqual(await call('viewer'), ['OK', 'PERMISSION_DENIED']);
    assert.deepEqual(await call('editor'), ['OK', 'OK']);
    assert.deepEqual(await call('expired'), ['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    assert.deepEqual(await call('unknown'), ['UNAUTHENTICATED', 'UNAUTHENTICATED']);
  });

  test('A22: what is no token is refused', async () => {
    await using lab = await startAccessLab();
    const good = lab.tokens.admin;
    const bad = [
      '',
      'Bearer',
      good,
      `Basic ${good}`,
      `Bearer ${good}x`,
      `Bearer ${good.slice(0, -1)}`,
      `Bearer ${good.toUpperCase()}`,
      `Bearer ${good}, Bearer ${good}`,
      `Bearer ${'x'.repeat(4000)}`,
    ];
    const calls = bad.map((authorization) => ({ path: LIST, headers: { authorization } }));
    const got = await callRaw(calls, { address: lab.api.address });
    assert.deepEqual(
      got,
      bad.map(() => 'UNAUTHENTICATED'),
    );
    const upper = [{ path: LIST, headers: { authorization: `bearer ${good}` } }];
    assert.deepEqual(await callRaw(upper, { address: lab.api.address }), ['OK']);
  });

  test('A22: one that is removed is refused from the next call on, and its streams end', async () => {
    await using lab = await startAccessLab();
    using client = new TestClient(lab.api.address);
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${lab.tokens.viewer}`);
    const watch = client.client.makeServerStreamRequest(
      `${SETTINGS}/WatchProxyRules`,
      () => Buffer.alloc(0),
      (bytes: Buffer) => bytes,
      {},
      metadata,
    );
    let messages = 0;
    watch.on('data', () => messages++);
    const ended = new Promise<number>((resolve) => {
      watch.on('error', ({ code }: { code?: number }) => resolve(code ?? 0));
    });
    await waitFor('a message', () => messages > 0);
    removeToken(lab.tokensFile, 'looks');
    assert.equal(await ended, Status.UNAUTHENTICATED);
    assert.deepEqual(await lab.call([{ path: LIST, token: 'viewer' }]), ['UNAUTHENTICATED']);
    assert.deepEqual(await lab.call([{ path: LIST, token: 'editor' }]), ['OK']);
  });

  test('A22: a file that cannot be used leaves the tokens before in force; the log says why', async () => {
    await using lab = await startAccessLab();
    const works = async () => (await lab.call([{ path: REPLACE, token: 'editor' }]))[0];
    const text = readFileSync(lab.tokensFile, 'utf8');
    writeFileSync(lab.tokensFile, text.replace('editor', 'edlitor'));
    assert.equal(await works(), 'OK');
    writeFileSync(lab.tokensFile, text.slice(0, -9));
    assert.equal(await works(), 'OK');
    writeFileSync(lab.tokensFile, text.replace('"edits"', '"looks"'));
    assert.equal(await works(), 'OK');
    // Whoever can write it could make himself an admin.
    writeFileSync(lab.tokensFile, '{"tokens":[]}');
    chmodSync(lab.tokensFile, 0o666);
    assert.equal(await works(), 'OK');
    chmodSync(lab.tokensFile, 0o600);
    assert.equal(await works(), 'UNAUTHENTICATED');
    const problems = lab.api.logged.flatMap(({ problem }) =>
      problem === undefined ? [] : [problem],
    );
    assert.match(
      problems.join('\n'),
      /edlitor|role.*\n.*JSON.*\n.*two tokens.*looks.*\n.*chmod 600/,
    );
  });

  test('A22: no token is in the log, nor in the file', async () => {
    await using lab = await startAccessLab();
    const used = ['viewer', 'admin', 'expired', 'unknown'] as const;
    await lab.call(
      used.flatMap((token) => [
        { path: REPLACE, token },
        { path: LIST, token },
      ]),
    );
    const log = JSON.stringify(lab.api.logged);
    const file = readFileSync(lab.tokensFile, 'utf8');
    for (const token of Object.values(lab.tokens)) {
      assert.ok(!log.includes(token.slice(6, 20)), 'the log has a token');
      assert.ok(!file.includes(token.slice(6, 20)), 'the file has a token');
    }
    assert.equal(statSync(lab.tokensFile).mode & 0o777, 0o600);
  });
});

test('A21: where the socket cannot be the API is at its address all the same, and says so', async () => {
  await using api = await startApi({ socket: { path: '/proc/floxy/api.sock', mode: 0o600 } });
  using client = new TestClient(api.address);
  await client.ask('ListProxyRules');
  assert.match(JSON.stringify(api.logged), /the API has no unix socket/);
});

/** The status of a refused call; undefined: it is let in. */
function expectedOf(needed: (typeof NEEDED)[string], token: Token | undefined): string | undefined {
  if (needed === 'nobody') return undefined;
  if (token === undefined || token === 'expired' || token === 'unknown') return 'UNAUTHENTICATED';
  return includesRole(token, needed) ? undefined : 'PERMISSION_DENIED';
}

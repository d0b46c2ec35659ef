/** The calls of Settings and Metrics, over the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status as Status } from '@grpc/grpc-js';
import { FloxyError } from '../../src/base/errors.ts';
import { loadServices } from '../../src/protocol/definitions.ts';
import { readWarnings } from '../../src/protocol/headers.ts';
import type {
  BuildInfoMessage,
  ProxyRulesMessage,
  ProxyStatsMessage,
  SystemStatusMessage,
} from '../../src/protocol/messages.ts';
import { BUILD_INFO, startApi, TestClient } from './harness.ts';

const REVISION = 'collector-rules-revision';
const EXPECTED_REVISION = 'collector-expected-rules-revision';

function rule(exporter: object, collector: object = { host: '192.0.2.11', port: 1001 }) {
  return {
    exporter: { endpoint: exporter },
    outputs: [{ collectors: [{ endpoint: collector }] }],
  };
}

/** host:port of every rule. */
function exporters({ rules = [] }: ProxyRulesMessage): string[] {
  return rules.map(({ exporter: { endpoint } }) => `${endpoint.host}:${endpoint.port ?? ''}`);
}

test('A1 A2: rules are listed in the order in which they were given', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const rules = ['192.0.2.9', '192.0.2.1', '2001:db8::5'].map((host) => rule({ host }));
  assert.deepEqual(await client.ask('ReplaceProxyRules', { rules }), {});
  const listed = await client.ask<ProxyRulesMessage>('ListProxyRules');
  assert.deepEqual(exporters(listed), ['192.0.2.9:', '192.0.2.1:', '2001:db8::5:']);
});

test('A3: default outputs stay when an update gives none, and are replaced when it gives some', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const first = [{ collectors: [{ endpoint: { host: '192.0.2.51', port: 5001 } }] }];
  const second = [{ collectors: [{ endpoint: { host: '192.0.2.52' } }] }];
  await client.ask('ReplaceProxyRules', {
    rules: [rule({ host: '192.0.2.1' })],
    defaultOutputs: first,
  });
  await client.ask('UpdateProxyRules', { rules: [rule({ host: '192.0.2.2' })] });
  const kept = await client.ask<ProxyRulesMessage>('ListProxyRules');
  assert.deepEqual(exporters(kept), ['192.0.2.1:', '192.0.2.2:']);
  assert.equal(kept.defaultOutputs?.[0]?.collectors?.[0]?.endpoint.host, '192.0.2.51');
  await client.ask('UpdateProxyRules', { defaultOutputs: second });
  const replaced = await client.ask<ProxyRulesMessage>('ListProxyRules');
  assert.equal(replaced.defaultOutputs?.length, 1);
  assert.equal(replaced.defaultOutputs?.[0]?.collectors?.[0]?.endpoint.host, '192.0.2.52');
});

test('A4: an empty deletion is refused, an unknown exporter is named', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  await client.ask('ReplaceProxyRules', { rules: [rule({ host: '192.0.2.1', port: 7 })] });
  const empty = await client.call('DeleteProxyRules', {});
  assert.equal(empty.error?.code, Status.INVALID_ARGUMENT);
  const unknown = await client.call('DeleteProxyRules', {
    exporters: [{ endpoint: { host: '192.0.2.1' } }],
  });
  assert.equal(unknown.error?.code, Status.NOT_FOUND);
  assert.match(unknown.error?.details ?? '', /192\.0\.2\.1/);
  await client.ask('DeleteProxyRules', {
    exporters: [{ endpoint: { host: '192.0.2.1', port: 7 } }],
  });
  assert.deepEqual(exporters(await client.ask('ListProxyRules')), []);
});

test('A5: both services answer the same statistics', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  api.control.counters = { packets: 18446744073709551615n, bytes: 9007199254740993n };
  const rules = [rule({ host: '192.0.2.1' }), rule({ host: '192.0.2.2' })];
  await client.ask('ReplaceProxyRules', { rules });
  const all = await client.ask<ProxyStatsMessage>('GetProxyStats');
  assert.equal(all.rules?.length, 2);
  assert.equal(all.mismatched?.packets, '18446744073709551615');
  assert.equal(all.rules?.[1]?.outputs[0]?.collectors?.[0]?.output.bytes, '9007199254740993');
  assert.deepEqual(await client.ask('Metrics.GetProxyStats'), all);

  const asked = { exporters: [{ endpoint: { host: '192.0.2.2' } }] };
  const some = await client.ask<ProxyStatsMessage>('Metrics.GetProxyStats', asked);
  assert.deepEqual(some.rules, [all.rules?.[1]]);
  const unknown = { exporters: [{ endpoint: { host: '192.0.2.3' } }] };
  const { error } = await client.call('Metrics.GetProxyStats', unknown);
  assert.equal(error?.code, Status.NOT_FOUND);
});

test('A6 A7: build information and system status arrive whole', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const buildInfo = await client.ask<BuildInfoMessage>('GetBuildInfo');
  for (const [name, value] of Object.entries(BUILD_INFO)) {
    assert.equal(buildInfo[name as keyof BuildInfoMessage], value, name);
  }
  for (const state of ['OK', 'Configuring', 'NotConfigured', 'Offline'] as const) {
    api.control.state = state;
    const status = await client.ask<SystemStatusMessage>('GetSystemStatus');
    assert.equal(status.proxy.state, state);
    assert.equal(status.proxy.error, state === 'OK' ? undefined : 'why');
    assert.equal(status.database.state, 'OK');
    const [forwarder] = status.forwarders;
    assert.equal(forwarder?.index, 0);
    assert.equal(forwarder?.pid, 4711);
    assert.equal(forwarder?.restarts, '2');
    assert.equal(forwarder?.received.packets, '18446744073709551615');
    assert.deepEqual(
      [
        forwarder?.droppedByRule,
        forwarder?.noEligibleCollector,
        forwarder?.truncated,
        forwarder?.kernelDrops,
        forwarder?.fragmented,
        forwarder?.fragments,
        forwarder?.sendRetries,
      ],
      ['3', '4', '5', '6', '7', '8', '9'],
    );
    assert.equal(forwarder?.sendErrors.length, 1);
    assert.equal(forwarder?.sendErrors[0]?.code, 'ENETUNREACH');
    assert.equal(forwarder?.sendErrors[0]?.count, '10');
  }
});

test('A9: answers tell the revision, and a change that expects another one is refused', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const rules = [rule({ host: '192.0.2.1' })];
  const replaced = await client.call('ReplaceProxyRules', { rules }, { [EXPECTED_REVISION]: '0' });
  assert.deepEqual(replaced.headers.get(REVISION), ['1']);
  const late = await client.call('UpdateProxyRules', { rules }, { [EXPECTED_REVISION]: '0' });
  assert.equal(late.error?.code, Status.ABORTED);
  assert.deepEqual(late.headers.get(REVISION), []);
  const updated = await client.call('UpdateProxyRules', { rules }, { [EXPECTED_REVISION]: '1' });
  assert.deepEqual(updated.headers.get(REVISION), ['2']);
  const exporter = { exporters: [{ endpoint: { host: '192.0.2.1' } }] };
  const deleted = await client.call('DeleteProxyRules', exporter);
  assert.deepEqual(deleted.headers.get(REVISION), ['3']);
  const listed = await client.call('ListProxyRules');
  assert.deepEqual(listed.headers.get(REVISION), ['3']);
  const bad = await client.call('ReplaceProxyRules', {}, { [EXPECTED_REVISION]: '-1' });
  assert.equal(bad.error?.code, Status.INVALID_ARGUMENT);
  assert.equal(api.control.revision, 3);
});

test('A40: a dry run answers what the change would do, and does nothing', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const dryRun = { 'collector-dry-run': 'true' };
  const rules = [rule({ host: '192.0.2.1' }), rule({ host: '192.0.2.2' })];
  const tried = await client.call('ReplaceProxyRules', { rules }, dryRun);
  assert.deepEqual(tried.headers.get('collector-rules-difference'), [
    'added=2 removed=0 changed=0 default_outputs=0 order=0',
  ]);
  assert.deepEqual(tried.headers.get('collector-dry-run'), ['true']);
  assert.deepEqual(tried.headers.get(REVISION), ['0']);
  assert.equal(api.control.revision, 0);
  const made = await client.call('ReplaceProxyRules', { rules });
  assert.deepEqual(made.headers.get('collector-dry-run'), []);
  const exporters = [{ endpoint: { host: '192.0.2.9' } }];
  const refused = await client.call('DeleteProxyRules', { exporters }, dryRun);
  assert.equal(refused.error?.code, Status.NOT_FOUND);
  const listed = await client.call('ListProxyRules');
  assert.deepEqual(listed.headers.get('collector-dry-run'), ['supported']);
  const bad = await client.call('ReplaceProxyRules', {}, { 'collector-dry-run': 'yes' });
  assert.equal(bad.error?.code, Status.INVALID_ARGUMENT);
  assert.equal(api.control.revision, 1);
});

test('A41: the message of a change goes with it, and a bad one is refused', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const name = 'collector-change-message';
  await client.ask('ReplaceProxyRules', {}, { [name]: encodeURIComponent('Ticket №7') });
  assert.equal(api.control.options.message, 'Ticket №7');
  const { error } = await client.call('ReplaceProxyRules', {}, { [name]: 'a%0Ab' });
  assert.equal(error?.code, Status.INVALID_ARGUMENT);
  assert.equal(api.control.revision, 1);
});

test('E4: the address format works for lists and statistics, and a wrong one fails every call', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  await client.ask('ReplaceProxyRules', { rules: [rule({ octets: Uint8Array.of(192, 0, 2, 1) })] });
  const binary = { 'collector-address-format': 'binary' };
  const listed = await client.ask<ProxyRulesMessage>('ListProxyRules', {}, binary);
  const stats = await client.ask<ProxyStatsMessage>('GetProxyStats', {}, binary);
  for (const { rules = [] } of [listed, stats]) {
    const endpoint = rules[0]?.exporter.endpoint;
    assert.deepEqual(Buffer.from(endpoint?.octets ?? []), Buffer.of(192, 0, 2, 1));
    assert.equal(endpoint?.host, undefined);
  }
  for (const method of [...Object.keys(loadServices().settings), 'Metrics.GetProxyStats']) {
    const { error } = await client.call(method, {}, { 'collector-address-format': 'hex' });
    assert.equal(error?.code, Status.INVALID_ARGUMENT, method);
    assert.match(error?.details ?? '', /collector-address-format: "hex"/);
  }
  assert.equal(api.control.revision, 1);
});

test('E1: a bad place in a request is named, and nothing is applied', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const rules = [rule({ host: '192.0.2.1' }), rule({ host: '192.0.2.2', port: 65_536 })];
  const { error } = await client.call('ReplaceProxyRules', { rules });
  assert.equal(error?.code, Status.INVALID_ARGUMENT);
  assert.match(error?.details ?? '', /^rules\[1\]\.exporter\.endpoint\.port: /);
  assert.equal(api.control.revision, 0);
});

test('A10: rules and statistics are not answered while the saved rules are being restored', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  api.control.isRestoring = true;
  for (const call of ['ListProxyRules', 'GetProxyStats'] as const) {
    const { error } = await client.call(call);
    assert.equal(error?.code, Status.UNAVAILABLE, call);
    assert.match(error?.details ?? '', /being restored/);
  }
  await client.ask('GetSystemStatus');
});

test('A43: every change is logged with its caller and what it did, and nothing else is', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  api.logged.length = 0;
  const message = { 'collector-change-message': encodeURIComponent('CHG1: нов') };
  const rules = [rule({ host: '192.0.2.1' })];
  await client.ask('ReplaceProxyRules', { rules }, message);
  await client.ask('DeleteProxyRules', { exporters: [{ endpoint: { host: '192.0.2.1' } }] });
  await client.ask('ListProxyRules');
  await client.ask('ReplaceProxyRules', { rules }, { 'collector-dry-run': 'true' });
  await client.call('DeleteProxyRules', {});
  const { level: debug } = api.logged.at(-1) ?? {};
  assert.equal(debug, 20);
  assert.deepEqual(
    api.logged
      .filter(({ level }) => Number(level) > 20)
      .map(({ hostname: _h, pid: _p, time: _t, who: _w, from: _f, ...line }) => line),
    [
      {
        level: 30,
        call: 'ReplaceProxyRules',
        revision: 1,
        added: 1,
        removed: 0,
        changed: 0,
        exporters: '+192.0.2.1',
        rules: 1,
        message: 'CHG1: нов',
        msg: 'rules changed',
      },
      {
        level: 30,
        call: 'DeleteProxyRules',
        revision: 2,
        added: 0,
        removed: 1,
        changed: 0,
        exporters: '-192.0.2.1',
        rules: 0,
        msg: 'rules changed',
      },
    ],
  );
  for (const { from } of api.logged) assert.match(String(from), /^127\.0\.0\.1:\d+$/);
});

test('R17: rules that name a pipeline which this node does not have are taken with a warning', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  api.pipelines.names.add('archive');
  const defaultOutputs = ['archive', 'edge'].map((pipeline) => ({ pipeline }));
  const { error, headers } = await client.call('UpdateProxyRules', { defaultOutputs });
  assert.equal(error, undefined);
  const warnings = readWarnings(headers.get('collector-warnings').join());
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^this node has no pipeline edge: .* decoded by nobody/);
  const {
    level,
    msg,
    warnings: logged,
  } = api.logged.find((line) => line['msg'] === 'rules changed') ?? {};
  assert.deepEqual({ level, msg, logged }, { level: 40, msg: 'rules changed', logged: warnings });
  api.pipelines.names.add('edge');
  const again = await client.call('UpdateProxyRules', { defaultOutputs });
  assert.deepEqual(again.headers.get('collector-warnings'), []);
});

test('expected failures of the control plane reach the client with code and message', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  api.control.failure = new FloxyError('STORE_UNWRITABLE', 'база данных: диск 100% полон');
  const { error } = await client.call('ReplaceProxyRules');
  assert.equal(error?.code, Status.FAILED_PRECONDITION);
  assert.equal(error?.details, 'база данных: диск 100% полон');
});

test('every call of the protocol is there, and answers INTERNAL when its handler fails unexpectedly', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  api.control.failure = new Error('secret');
  const endpoint = { host: '192.0.2.1' };
  const methods = [...Object.keys(loadServices().settings), 'Metrics.GetProxyStats'];
  assert.equal(methods.length, 10);
  // Those of pipelines ask nothing of control.
  const metrics = ['GetProxyStats', 'GetPipelineStats', 'TailFlows', 'ListExporters'];
  assert.deepEqual(Object.keys(loadServices().metrics), metrics);
  for (const method of methods.filter((name) => name !== 'GetBuildInfo')) {
    const request = method === 'DeleteProxyRules' ? { exporters: [{ endpoint }] } : {};
    api.logged.length = 0;
    const { error } = await client.call(method, request);
    assert.equal(error?.code, Status.INTERNAL, method);
    assert.doesNotMatch(error?.details ?? '', /secret/);
    assert.equal((api.logged[0]?.['err'] as Error | undefined)?.message, 'secret', method);
  }
  assert.equal((await client.call('GetBuildInfo')).error, undefined);
});

test('R17, S7: an output that names a pipeline is listed and counted by its name', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  api.control.counters = { packets: 7n, bytes: 70n };
  const outputs = [{ pipeline: 'archive' }];
  await client.ask('ReplaceProxyRules', {
    rules: [{ exporter: { endpoint: { host: '192.0.2.1' } }, outputs }],
    defaultOutputs: outputs,
  });
  const listed = await client.ask<ProxyRulesMessage>('ListProxyRules');
  assert.equal(listed.rules?.[0]?.outputs[0]?.pipeline, 'archive');
  const { rules, defaultOutputs } = await client.ask<ProxyStatsMessage>('GetProxyStats');
  const counted = {
    collectors: [],
    pipeline: { name: 'archive', output: { packets: '7', bytes: '70' } },
  };
  // proto-loader adds a `_NAME` for each optional field.
  const plain = JSON.parse(JSON.stringify([rules?.[0]?.outputs, defaultOutputs]), (key, value) =>
    key.startsWith('_') ? undefined : value,
  );
  assert.deepEqual(plain, [[counted], [counted]]);
  const refused = await client.call('ReplaceProxyRules', {
    defaultOutputs: [{ pipeline: 'Archive!' }],
  });
  assert.equal(refused.error?.code, Status.INVALID_ARGUMENT);
});

/** The API as programs that share no code with it see it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';
import { runBufCurl, runPythonClient, startApi } from './harness.ts';

const EXAMPLE = readFileSync(join(packageRoot, 'test/api/floxy-example.txtpb'), 'utf8');

/** Text format without its layout: what remains must be the same from every printer. */
function withoutLayout(text: string): string {
  return text
    .replaceAll(/\b(\w+):? *\{/g, '$1{')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{}]) ?/g, '$1')
    .trim();
}

test("A1 A2: the example of Floxy's document loads as it stands and comes back equal", async () => {
  await using api = await startApi();
  const replace = [api.address, 'collector.proto.Settings/ReplaceProxyRules'];
  assert.deepEqual(await runPythonClient(replace, EXAMPLE), {
    exitCode: 0,
    stdout: '',
    stderr: '',
  });
  const list = await runPythonClient([api.address, 'collector.proto.Settings/ListProxyRules']);
  assert.equal(list.stderr, '');
  assert.equal(withoutLayout(list.stdout), withoutLayout(EXAMPLE));
});

test('S1: statistics print zero counters in text format', async () => {
  await using api = await startApi();
  const replace = [api.address, 'collector.proto.Settings/ReplaceProxyRules'];
  const rules =
    'rules {exporter {endpoint {host: "192.0.2.1"}} outputs {collectors {endpoint {host: "192.0.2.9"}}}}';
  assert.equal((await runPythonClient(replace, rules)).exitCode, 0);
  for (const service of ['Settings', 'Metrics']) {
    const stats = [api.address, `collector.proto.${service}/GetProxyStats`];
    const { stdout, stderr } = await runPythonClient(stats);
    assert.equal(stderr, '');
    assert.equal(
      withoutLayout(stdout),
      'rules{exporter{endpoint{host: "192.0.2.1"}input{packets: 0 bytes: 0}}' +
        'outputs{collectors{endpoint{host: "192.0.2.9"}output{packets: 0 bytes: 0}}}}' +
        'mismatched{packets: 0 bytes: 0}',
    );
  }
});

test('the python client prints the code and message of a failed call, and headers on demand', async () => {
  await using api = await startApi();
  const remove = [api.address, 'collector.proto.Settings/DeleteProxyRules'];
  const failed = await runPythonClient(remove, 'exporters {endpoint {host: "192.0.2.7" port: 7}}');
  assert.deepEqual(failed, {
    exitCode: 5,
    stdout: '',
    stderr: 'NOT_FOUND: no rule for exporter 192.0.2.7:7\n',
  });
  const args = ['--show-headers', '--header', 'collector-address-format=binary'];
  const list = await runPythonClient([
    ...args,
    api.address,
    'collector.proto.Settings/ListProxyRules',
  ]);
  assert.match(list.stderr, /^collector-rules-revision: 0$/m);
});

test('A11: reflection: buf curl lists services and methods without proto files', async () => {
  await using api = await startApi();
  const services = await runBufCurl(['--list-services', `http://${api.address}`]);
  assert.deepEqual(services.stdout.trim().split('\n'), [
    'collector.proto.Capture',
    'collector.proto.History',
    'collector.proto.Metrics',
    'collector.proto.Pipelines',
    'collector.proto.Settings',
    'collector.proto.View',
    'grpc.health.v1.Health',
  ]);
  const methods = await runBufCurl(['--list-methods', `http://${api.address}`]);
  assert.equal(methods.stderr, '');
  assert.match(methods.stdout, /^collector\.proto\.Settings\/ReplaceProxyRules$/m);
  assert.match(methods.stdout, /^grpc\.health\.v1\.Health\/Watch$/m);
});

test('reflection: buf curl changes rules, reads statistics and health without proto files', async () => {
  await using api = await startApi();
  const url = `http://${api.address}/collector.proto.Settings`;
  const rules = {
    rules: [{ exporter: { endpoint: { octets: 'wAACAQ==', port: 1000 } }, outputs: [] }],
    defaultOutputs: [{ collectors: [{ endpoint: { host: '2001:db8::12' } }] }],
  };
  const replaced = await runBufCurl(['-d', JSON.stringify(rules), `${url}/ReplaceProxyRules`]);
  assert.deepEqual(replaced, { exitCode: 0, stdout: '{}\n', stderr: '' });

  const binary = ['-H', 'collector-address-format: binary'];
  const list = await runBufCurl([...binary, `${url}/ListProxyRules`]);
  assert.equal(list.stderr, '');
  assert.deepEqual(JSON.parse(list.stdout), {
    rules: [{ exporter: { endpoint: { octets: 'wAACAQ==', port: 1000 } } }],
    defaultOutputs: [{ collectors: [{ endpoint: { octets: 'IAENuAAAAAAAAAAAAAAAEg==' } }] }],
  });

  const stats = await runBufCurl([`http://${api.address}/collector.proto.Metrics/GetProxyStats`]);
  assert.deepEqual(JSON.parse(stats.stdout).mismatched, { packets: '0', bytes: '0' });

  const health = await runBufCurl([`http://${api.address}/grpc.health.v1.Health/Check`]);
  assert.deepEqual(JSON.parse(health.stdout), { status: 'SERVING' });
});

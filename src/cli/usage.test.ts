import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { startFakeApi } from '../../test/cli/fake-api.ts';
import { runFloxy } from '../../test/cli/fake-terminal.ts';
import { packageRoot } from '../package-root.ts';

/** A port of loopback on which nothing listens: it was free a moment ago. */
async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

test('an API that is not there exits with 3, and names the address and the cause', async () => {
  const port = await unusedPort();
  const run = await runFloxy(['rules', 'list', '--api', `127.0.0.1:${port}`]);
  assert.deepEqual(run, {
    exitCode: 3,
    output: '',
    errors: `floxy: cannot reach the API at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}. Is \`floxy serve\` running there?\n`,
  });
});

test('health exits with 1 when the API is not there', async () => {
  const run = await runFloxy(['health', '--api', `127.0.0.1:${await unusedPort()}`]);
  assert.equal(run.exitCode, 1);
  assert.match(run.errors, /cannot reach the API/);
});

test('without --api the service’s own variables say where it is; a wildcard means loopback', async () => {
  await using api = await startFakeApi({ answer: {} });
  const port = String(api.port);
  const environments: NodeJS.ProcessEnv[] = [
    { COLLECTOR_BACKEND_METRICS_PORT: port },
    { COLLECTOR_API_ADDRESS: `0.0.0.0:${port}` },
    { COLLECTOR_API_ADDRESS: '[::]', COLLECTOR_BACKEND_METRICS_PORT: port },
    { COLLECTOR_API_ADDRESS: `127.0.0.1:${port}`, COLLECTOR_BACKEND_METRICS_PORT: '1' },
  ];
  for (const env of environments) {
    const run = await runFloxy(['rules', 'list'], { env });
    assert.deepEqual([run.exitCode, run.errors], [0, ''], JSON.stringify(env));
  }
  const named = await runFloxy(['--api', 'localhost', 'rules', 'list'], {
    env: { COLLECTOR_BACKEND_METRICS_PORT: port },
  });
  assert.deepEqual([named.exitCode, named.errors], [0, '']);
});

test('a bad address in the environment exits with 2', async () => {
  const run = await runFloxy(['status'], { env: { COLLECTOR_API_ADDRESS: 'localhost' } });
  assert.equal(run.exitCode, 2);
  assert.match(run.errors, /^COLLECTOR_API_ADDRESS="localhost": must be an IP address/);
});

const BAD_FILES: readonly (readonly [string, string, readonly string[], RegExp])[] = [
  [
    'an unknown field',
    'rules: {\n  exporter: {\n    endpint: {}\n  }\n}\n',
    [],
    /^f:3:5: rules\[0\]\.exporter\.endpint: Exporter has no field "endpint"/,
  ],
  [
    'an end that is missing',
    'rules: {\n  exporter: {\n',
    [],
    /^f:2:13: this Exporter does not end/,
  ],
  [
    'a port that is negative',
    '# one\nrules {exporter {endpoint {port: -1}}}',
    [],
    /^f:2:34: rules\[0\]\.exporter\.endpoint\.port: a whole number from 0/,
  ],
  [
    'JSON with an unknown field',
    '{"rulez": []}',
    ['--format=json'],
    /^f:1:2: rulez: ProxyRules has no field "rulez"/,
  ],
  [
    'text where JSON is wanted',
    'rules {}',
    ['--format=json'],
    /^f:1:1: \{ of ProxyRules is expected here/,
  ],
  ['bytes that are no text', '\u00ff', [], /^f:1:1: the file is not UTF-8/],
];

for (const [name, content, options, message] of BAD_FILES) {
  test(`a file with ${name} exits with 2 and says where`, async () => {
    const files = { f: Buffer.from(content, 'latin1') };
    const run = await runFloxy(['rules', 'replace', 'f', ...options], { files });
    assert.equal(run.exitCode, 2);
    assert.match(run.errors, message);
  });
}

test('a file that cannot be read exits with 2', async () => {
  const run = await runFloxy(['rules', 'update', 'missing.txtpb']);
  assert.equal(run.exitCode, 2);
  assert.match(run.errors, /^floxy: missing\.txtpb cannot be read: ENOENT/);
});

const BAD_USAGE: readonly (readonly string[])[] = [
  [],
  ['nonsense'],
  ['rules'],
  ['rules', 'delete'],
  ['rules', 'delete', '192.0.2.1', '--file', 'f'],
  ['rules', 'delete', 'router.example.net'],
  ['stats', '192.0.2.1:0'],
  ['stats', '192.0.2.1:65536'],
  ['stats', 'fe80::1%eth0'],
  ['rules', 'list', '--format', 'xml'],
  ['rules', 'list', '--address-format', 'hex'],
  ['rules', 'replace', '--expected-revision', '-1'],
  ['rules', 'replace', 'one', 'two'],
  ['status', '--timeout', '0'],
  ['status', '--timeout', '1e3'],
  ['status', '--api', '127.0.0.1:70000'],
  ['status', '--api', 'http://127.0.0.1:8853'],
  ['status', '--tls-key', 'key.pem'],
  ['status', '--tls-ca', '/nonexistent/ca.pem'],
];

for (const args of BAD_USAGE) {
  test(`wrong usage exits with 2 and explains: floxy ${args.join(' ')}`, async () => {
    const run = await runFloxy(args);
    assert.equal(run.exitCode, 2);
    assert.notEqual(run.errors, '');
    assert.equal(run.output, '');
  });
}

test('--version prints the version of the package, --help the exit statuses', async () => {
  const { version } = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8'));
  assert.deepEqual(await runFloxy(['--version']), {
    exitCode: 0,
    output: `${version}\n`,
    errors: '',
  });
  const help = await runFloxy(['--help']);
  assert.equal(help.exitCode, 0);
  assert.match(help.output, /Exit status:\n {2}0 {2}done\n/);
});

test('serve and check-config print every problem of the environment and exit with 2', async () => {
  const env = { COLLECTOR_LOG_LEVEL: 'loud', COLLECTOR_FLOXY_THREAD_COUNT: '0' };
  for (const command of ['serve', 'check-config']) {
    const run = await runFloxy([command], { env });
    assert.equal(run.exitCode, 2);
    assert.deepEqual(run.errors.split('\n'), [
      'COLLECTOR_FLOXY_THREAD_COUNT="0": must be a whole number from 1 to 256',
      'COLLECTOR_LOG_LEVEL="loud": must be one of trace, debug, info, warn, error, fatal, silent',
      '',
    ]);
  }
});

test('check-config prints every setting with its meaning, and names misspelt variables', async () => {
  const env = {
    COLLECTOR_FLOXY_ADDRESS: ':2055',
    COLLECTOR_FLOXY_TREAD_COUNT: '4',
    COLLECTOR_FLOXY_THREAD_COUNT: '3',
    COLLECTOR_DATABASE_PATH: '/var/lib/floxy/rules.db',
  };
  const run = await runFloxy(['check-config'], { env });
  assert.equal(run.exitCode, 0);
  assert.match(
    run.errors,
    /^COLLECTOR_FLOXY_TREAD_COUNT has no effect.*COLLECTOR_FLOXY_THREAD_COUNT meant/,
  );
  const lines = run.output.trimEnd().split('\n');
  assert.ok(
    lines.every((line) => /^COLLECTOR_[A-Z0-9_]+=\S* {2}# \S/.test(line)),
    run.output,
  );
  assert.match(run.output, /^COLLECTOR_FLOXY_ADDRESS=\[::\]:2055 /m);
  assert.match(run.output, /^COLLECTOR_FLOXY_THREAD_COUNT=3 /m);
  assert.match(run.output, /^COLLECTOR_FLOXY_IPV4_SOURCE_PREFIX=::ffff:0:0\/96 /m);
  assert.match(run.output, /^COLLECTOR_DATABASE_PATH=\/var\/lib\/floxy\/rules\.db /m);
});

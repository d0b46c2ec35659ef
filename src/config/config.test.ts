import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { OPEN_ACCESS } from '../../test/api/harness.ts';
import { makeCertificate } from '../../test/cli/certificates.ts';
import {
  ConfigError,
  type ConfigProblem,
  formatProblems,
  readApiAddress,
  readConfig,
  type System,
  unknownVariables,
} from './config.ts';

const PASSWD = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65533:65532:nobody:/nonexistent:/usr/sbin/nologin
floxy:x:990:991::/:/bin/false
wheel:x:992:0::/:/bin/false
toor:x:0:5::/:/bin/false
broken line
`;

const SYSTEM: Partial<System> = {
  workingDirectory: '/srv/floxy',
  availableCores: () => 6,
  readPasswd: () => PASSWD,
};

function read(env: NodeJS.ProcessEnv) {
  return readConfig(env, SYSTEM);
}

/** Beyond the loopback the API needs it, or TLS. */
const PLAINTEXT = { COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow' };

function problemsOf(env: NodeJS.ProcessEnv): readonly ConfigProblem[] {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('without any variable the documented defaults hold, and the proxy is off', () => {
  assert.deepEqual(read({}), {
    listeners: [],
    packetBufferBytes: 1496,
    forwarders: 6,
    api: {
      octets: Uint8Array.of(127, 0, 0, 1),
      port: 8853,
      tls: undefined,
      socket: { path: '/srv/floxy/data/api.sock', mode: 0o666 },
      access: OPEN_ACCESS,
    },
    databasePath: '/srv/floxy/data/collector.db',
    historyRevisions: 1000,
    historyBytes: 67_108_864,
    logLevel: 'info',
    logFormat: 'auto',
    receiveBufferBytes: 33_554_432,
    ringBytes: 67_108_864,
    engine: 'auto',
    sender: 'auto',
    sendBufferBytes: 4_194_304,
    ipv4SourcePrefix: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255),
    forwarderUser: { name: 'floxy', uid: 990, gid: 991 },
    drainSeconds: 0,
    pipelinesFile: undefined,
    pipelinesDirectory: '/srv/floxy/data/pipelines',
    rulesFile: undefined,
    follow: undefined,
    nodeTls: undefined,
    nodeTokenPath: undefined,
    metrics: {
      address: { octets: Uint8Array.of(127, 0, 0, 1), port: 8081 },
      maxRules: 10_000,
      influxdbUrl: undefined,
      influxdbDatabase: 'vflow',
      influxdbBucket: undefined,
      influxdbOrganisation: undefined,
      influxdbTokenFile: undefined,
      opentsdbUrl: undefined,
      pushMetrics: 'all',
      pushMaxRules: 1000,
      pushIntervalMs: 60_000,
      pushHost: hostname(),
    },
    probeIntervalMs: 500,
    orphanLimitMs: 10_000,
    runtimeDirectory: '/srv/floxy/data',
  });
});

test('an empty variable counts as not set', () => {
  const names = [
    ...['FLOXY_ADDRESS', 'FLOXY_PACKET_BUFFER_SIZE', 'FLOXY_THREAD_COUNT', 'FLOXY_USER'],
    ...['FLOXY_RECEIVE_BUFFER_BYTES', 'FLOXY_SEND_BUFFER_BYTES', 'FLOXY_IPV4_SOURCE_PREFIX'],
    ...['FLOXY_DRAIN_SECONDS'],
    ...['BACKEND_METRICS_PORT', 'API_ADDRESS', 'DATABASE_PATH', 'LOG_LEVEL'],
    ...['API_TLS_CERTIFICATE', 'API_TLS_KEY', 'API_TLS_CLIENT_CA'],
  ];
  const env = Object.fromEntries(names.map((name) => [`COLLECTOR_${name}`, '']));
  assert.deepEqual(read(env), read({}));
});

type Pick = (config: ReturnType<typeof read>) => unknown;
const WILDCARD = new Uint8Array(16);
const NAT64 = Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0);

const GOOD: readonly (readonly [string, string, Pick, unknown])[] = [
  [
    'FLOXY_ADDRESS',
    '192.0.2.1:2055',
    (c) => c.listeners,
    [{ octets: Uint8Array.of(192, 0, 2, 1), port: 2055 }],
  ],
  ['FLOXY_ADDRESS', '[::]:65535', (c) => c.listeners, [{ octets: WILDCARD, port: 65_535 }]],
  ['FLOXY_ADDRESS', ':1', (c) => c.listeners, [{ octets: WILDCARD, port: 1 }]],
  [
    'FLOXY_ADDRESS',
    '[::FFFF:192.0.2.1]:9',
    (c) => c.listeners,
    [{ octets: Uint8Array.of(192, 0, 2, 1), port: 9 }],
  ],
  [
    'FLOXY_ADDRESS',
    '192.0.2.1:2055, [::]:2055,:4739',
    (c) => c.listeners,
    [
      { octets: Uint8Array.of(192, 0, 2, 1), port: 2055 },
      { octets: WILDCARD, port: 2055 },
      { octets: WILDCARD, port: 4739 },
    ],
  ],
  ['FLOXY_PACKET_BUFFER_SIZE', '1496', (c) => c.packetBufferBytes, 1496],
  ['FLOXY_PACKET_BUFFER_SIZE', '65535', (c) => c.packetBufferBytes, 65_535],
  ['FLOXY_THREAD_COUNT', '1', (c) => c.forwarders, 1],
  ['FLOXY_THREAD_COUNT', '256', (c) => c.forwarders, 256],
  ['FLOXY_RING_BYTES', '1048576', (c) => c.ringBytes, 1_048_576],
  ['FLOXY_ENGINE', 'kernel', (c) => c.engine, 'kernel'],
  ['FLOXY_ENGINE', 'socket', (c) => c.engine, 'socket'],
  ['FLOXY_SENDER', 'link', (c) => c.sender, 'link'],
  ['FLOXY_SENDER', 'raw', (c) => c.sender, 'raw'],
  ['FLOXY_RING_BYTES', '1073741824', (c) => c.ringBytes, 1_073_741_824],
  ['FLOXY_RECEIVE_BUFFER_BYTES', '65536', (c) => c.receiveBufferBytes, 65_536],
  ['FLOXY_RECEIVE_BUFFER_BYTES', '1073741824', (c) => c.receiveBufferBytes, 1_073_741_824],
  ['FLOXY_SEND_BUFFER_BYTES', '65536', (c) => c.sendBufferBytes, 65_536],
  ['FLOXY_IPV4_SOURCE_PREFIX', '64:ff9b::/96', (c) => c.ipv4SourcePrefix, NAT64],
  ['FLOXY_IPV4_SOURCE_PREFIX', '64:FF9B::0.0.0.0/96', (c) => c.ipv4SourcePrefix, NAT64],
  ['FLOXY_USER', 'floxy', (c) => c.forwarderUser, { name: 'floxy', uid: 990, gid: 991 }],
  ['FLOXY_USER', 'nobody', (c) => c.forwarderUser, { name: 'nobody', uid: 65_533, gid: 65_532 }],
  ['FLOXY_USER', '990', (c) => c.forwarderUser, { name: 'floxy', uid: 990, gid: 991 }],
  ['FLOXY_DRAIN_SECONDS', '0', (c) => c.drainSeconds, 0],
  ['FLOXY_DRAIN_SECONDS', '3600', (c) => c.drainSeconds, 3600],
  ['BACKEND_METRICS_PORT', '9000', (c) => c.api.port, 9000],
  ['API_ADDRESS', '[::1]:9001', (c) => c.api.port, 9001],
  ['API_ADDRESS', '0.0.0.0', (c) => [c.api.octets, c.api.port], [new Uint8Array(4), 8853]],
  ['API_ADDRESS', '::', (c) => [c.api.octets, c.api.port], [WILDCARD, 8853]],
  ['API_ADDRESS', '[::]', (c) => [c.api.octets, c.api.port], [WILDCARD, 8853]],
  ['API_ADDRESS', ':9002', (c) => [c.api.octets, c.api.port], [WILDCARD, 9002]],
  ['DATABASE_PATH', 'rules.db', (c) => c.databasePath, '/srv/floxy/rules.db'],
  ['DATABASE_PATH', '/x/../y.db', (c) => c.databasePath, '/y.db'],
  ['HISTORY_REVISIONS', '1', (c) => c.historyRevisions, 1],
  ['HISTORY_BYTES', '0', (c) => c.historyBytes, 0],
  ['FLOXY_RUNTIME_DIRECTORY', '/nonexistent/x', (c) => c.runtimeDirectory, '/nonexistent/x'],
  ['LOG_LEVEL', 'trace', (c) => c.logLevel, 'trace'],
  ['LOG_LEVEL', 'silent', (c) => c.logLevel, 'silent'],
  ['LOG_FORMAT', 'json', (c) => c.logFormat, 'json'],
];

for (const [name, value, pick, expected] of GOOD) {
  test(`COLLECTOR_${name} takes ${value}`, () => {
    assert.deepEqual(pick(read({ ...PLAINTEXT, [`COLLECTOR_${name}`]: value })), expected);
  });
}

const NOT_ADDRESSES = [
  'router:2055',
  '192.0.2.1:0',
  '192.0.2.1:65536',
  '192.0.2.1:02055',
  '192.0.2.1:',
];
const GROUPS = ['224.0.0.1:2055', '239.1.1.1:2055', '255.255.255.255:2055', '[ff02::1]:2055'];
const NOT_NUMBERS = [
  '0x600',
  '1e4',
  ' 4096',
  '4096 ',
  '+4096',
  '-1',
  '4096.0',
  '4_096',
  '٤٠٩٦',
  '9'.repeat(400),
];

const BAD: readonly (readonly [string, readonly string[]])[] = [
  [
    'FLOXY_ADDRESS',
    [
      ...NOT_ADDRESSES,
      ...GROUPS,
      '[fe80::1%eth0]:2055',
      '[fe80::1]:2055',
      '[febf::1]:2055',
      '::1:2055',
      '192.0.2.1',
      '[192.0.2.1:2055',
      '[::1]2055',
      '2055',
      '192.0.2.1:2055,',
      '192.0.2.1:2055;192.0.2.2:2055',
      '192.0.2.1:2055, nowhere:2055',
      Array.from({ length: 33 }, (_, i) => `:${1 + i}`).join(','),
    ],
  ],
  ['FLOXY_PACKET_BUFFER_SIZE', [...NOT_NUMBERS, '1495', '65536']],
  ['FLOXY_THREAD_COUNT', [...NOT_NUMBERS, '0', '257']],
  ['FLOXY_RECEIVE_BUFFER_BYTES', [...NOT_NUMBERS, '65535', '1073741825']],
  ['FLOXY_RING_BYTES', [...NOT_NUMBERS, '524288', '1048577', '2147483648']],
  ['FLOXY_SEND_BUFFER_BYTES', [...NOT_NUMBERS, '65535', '1073741825']],
  [
    'FLOXY_IPV4_SOURCE_PREFIX',
    [
      '64:ff9b::',
      '64:ff9b::/64',
      '64:ff9b::1/96',
      '64:ff9b::/096',
      '64:ff9b::/96/96',
      '192.0.2.0/96',
      'ff02::/96',
      'fe80::%1/96',
      '/96',
    ],
  ],
  ['FLOXY_USER', ['root', '0', '00', 'wheel', 'toor', 'stranger', '4242', 'broken line']],
  ['BACKEND_METRICS_PORT', [...NOT_NUMBERS, '0', '65536', '08853']],
  ['API_ADDRESS', [...NOT_ADDRESSES, ...GROUPS, 'localhost', '[::1', '[]:1', '8853', 'fe80::1']],
  ['API_TLS_CERTIFICATE', ['/nonexistent/floxy.crt', '/']],
  ['DATABASE_PATH', ['/', 'data/', '/proc/floxy/x.db', '/sys/x.db', '/etc/passwd/x.db']],
  ['FLOXY_RUNTIME_DIRECTORY', ['/proc/floxy', '/proc', '/sys/a/b', '/etc/passwd']],
  ['LOG_LEVEL', ['INFO', 'verbose', '30', ' info']],
];

for (const [name, values] of BAD) {
  const variable = `COLLECTOR_${name}`;
  for (const value of values) {
    test(`${variable} refuses ${JSON.stringify(value.slice(0, 40))} and says what is allowed`, () => {
      const problem = problemsOf({ [variable]: value }).find(
        (found) => found.variable === variable,
      );
      assert.equal(problem?.value, value);
      assert.match(problem?.message ?? '', /^must be /);
    });
  }
}

test('every problem is listed at once, one line each with variable, value and what is allowed', () => {
  const problems = problemsOf({
    COLLECTOR_FLOXY_ADDRESS: 'x',
    COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: '1',
    COLLECTOR_FLOXY_USER: 'stranger',
    COLLECTOR_API_ADDRESS: 'x',
    COLLECTOR_API_TLS_KEY: '/nonexistent/key',
    COLLECTOR_DATABASE_PATH: '/',
    COLLECTOR_LOG_LEVEL: 'two\nlines',
  });
  assert.deepEqual(problems.map(({ variable }) => variable).sort(), [
    'COLLECTOR_API_ADDRESS',
    'COLLECTOR_API_TLS_CERTIFICATE',
    'COLLECTOR_API_TLS_KEY',
    'COLLECTOR_DATABASE_PATH',
    'COLLECTOR_FLOXY_ADDRESS',
    'COLLECTOR_FLOXY_PACKET_BUFFER_SIZE',
    'COLLECTOR_FLOXY_USER',
    'COLLECTOR_LOG_LEVEL',
  ]);
  const lines = formatProblems(problems).split('\n');
  assert.equal(lines.length, problems.length);
  assert.ok(
    lines.includes(
      'COLLECTOR_FLOXY_PACKET_BUFFER_SIZE="1": must be a whole number from 1496 to 65535',
    ),
  );
});

test('the port of COLLECTOR_API_ADDRESS wins over COLLECTOR_BACKEND_METRICS_PORT', () => {
  const port = { ...PLAINTEXT, COLLECTOR_BACKEND_METRICS_PORT: '9000' };
  assert.equal(read({ ...port, COLLECTOR_API_ADDRESS: '[::]:9001' }).api.port, 9001);
  assert.equal(read({ ...port, COLLECTOR_API_ADDRESS: '[::]' }).api.port, 9000);
  assert.deepEqual(readApiAddress(port), { octets: Uint8Array.of(127, 0, 0, 1), port: 9000 });
});

test('flow over UDP and the API over TCP may have the same port', () => {
  const env = {
    COLLECTOR_FLOXY_ADDRESS: '127.0.0.1:8853',
    COLLECTOR_API_ADDRESS: '127.0.0.1:8853',
  };
  assert.deepEqual(problemsOf(env), []);
});

test('more cores than forwarders can be: the default stops at the largest number allowed', () => {
  assert.equal(readConfig({}, { ...SYSTEM, availableCores: () => 384 }).forwarders, 256);
});

test('the default user needs no line in /etc/passwd, and is nobody else', () => {
  const userOf = (passwd: string) =>
    readConfig({}, { ...SYSTEM, readPasswd: () => passwd }).forwarderUser;
  assert.deepEqual(userOf(''), { name: 'floxy', uid: 65_533, gid: 65_533 });
  const taken = 'nobody:x:65533:65534::/:/bin/false\nother:x:1000:65532::/:/bin/false\n';
  assert.deepEqual(userOf(taken), { name: 'floxy', uid: 65_531, gid: 65_531 });
});

test('TLS needs certificate and key that belong together, and client authorities need both', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const one = makeCertificate(folder, 'one.example');
  const other = makeCertificate(folder, 'other.example');
  const noPem = path.join(folder, 'no.pem');
  writeFileSync(noPem, 'nothing');
  const certificate = { COLLECTOR_API_TLS_CERTIFICATE: one.certificate };
  const pair = { ...certificate, COLLECTOR_API_TLS_KEY: one.key };
  const authority = { COLLECTOR_API_TLS_CLIENT_CA: other.certificate };
  const variables = (env: NodeJS.ProcessEnv) => problemsOf(env).map(({ variable }) => variable);

  assert.deepEqual(read({ ...pair, ...authority }).api.tls, {
    certificatePath: one.certificate,
    keyPath: one.key,
    clientCaPath: other.certificate,
  });
  assert.equal(read(pair).api.tls?.clientCaPath, undefined);
  assert.deepEqual(variables(certificate), ['COLLECTOR_API_TLS_KEY']);
  assert.deepEqual(variables(authority), [
    'COLLECTOR_API_TLS_CERTIFICATE',
    'COLLECTOR_API_TLS_KEY',
  ]);
  assert.deepEqual(variables({ ...certificate, COLLECTOR_API_TLS_KEY: other.key }), [
    'COLLECTOR_API_TLS_CERTIFICATE',
  ]);
  assert.deepEqual(variables({ ...pair, COLLECTOR_API_TLS_CLIENT_CA: noPem }), [
    'COLLECTOR_API_TLS_CLIENT_CA',
  ]);
});

test('misspelt variables are found with the nearest known name; others are left alone', () => {
  const env = {
    COLLECTOR_FLOXY_ADRESS: '',
    COLLECTOR_FLOXY_BUFFER_SIZE: '1',
    COLLECTOR_API_TLS_CERT: '/x',
    COLLECTOR_LOG_LEVLE: 'debug',
    COLLECTOR_KAFKA_BROKERS: 'x',
    COLLECTOR_FLOXY_ADDRESS: '[::]:2055',
    PATH: '/bin',
  };
  assert.deepEqual(unknownVariables(env), [
    { name: 'COLLECTOR_API_TLS_CERT', nearest: 'COLLECTOR_API_TLS_KEY' },
    { name: 'COLLECTOR_FLOXY_ADRESS', nearest: 'COLLECTOR_FLOXY_ADDRESS' },
    { name: 'COLLECTOR_FLOXY_BUFFER_SIZE', nearest: 'COLLECTOR_FLOXY_PACKET_BUFFER_SIZE' },
    { name: 'COLLECTOR_LOG_LEVLE', nearest: 'COLLECTOR_LOG_LEVEL' },
  ]);
});

const UNFIT: readonly (readonly [string, RegExp])[] = [
  ['192.0.2.1:2055,192.0.2.1:2055', /^has 192\.0\.2\.1:2055 twice: leave one of them$/],
  ['[::]:1,:2,:1', /^has \[::\]:1 twice/],
  ['0.0.0.0:2055,[::]:2055', /^has 0\.0\.0\.0:2055, but \[::\]:2055 takes IPv4 too/],
  ['[::]:9,nowhere:9', /; "nowhere:9" is none$/],
];

for (const [value, message] of UNFIT) {
  test(`R27: listening addresses ${value} are refused with the reason`, () => {
    const [problem] = problemsOf({ COLLECTOR_FLOXY_ADDRESS: value });
    assert.match(problem?.message ?? '', message);
  });
}

test('R27: addresses of which one is a part of the other can be listened on', () => {
  const { listeners } = read({ COLLECTOR_FLOXY_ADDRESS: '0.0.0.0:2055,[::1]:2055,192.0.2.1:2055' });
  assert.equal(listeners.length, 3);
});

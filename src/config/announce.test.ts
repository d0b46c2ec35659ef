import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnnounceConfig, readAnnounceConfig } from './announce.ts';
import { ConfigError } from './problem.ts';

const REQUIRED = { COLLECTOR_ANNOUNCE_ADDRESSES: '192.0.2.100' };

function read(settings: Readonly<Record<string, string>>): AnnounceConfig {
  const entries = Object.entries(settings).map(([name, value]) => [`COLLECTOR_${name}`, value]);
  return readAnnounceConfig({ ...REQUIRED, ...Object.fromEntries(entries) });
}

function problemsOf(env: NodeJS.ProcessEnv): ConfigError['problems'] {
  try {
    readAnnounceConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('with the addresses alone the documented defaults hold', () => {
  assert.deepEqual(readAnnounceConfig(REQUIRED), {
    addresses: ['192.0.2.100'],
    method: 'gobgp',
    gobgpTarget: '127.0.0.1:50051',
    intervalMs: 250,
    timeoutMs: 1700,
    fall: 5,
    rise: 4,
    holdSeconds: 30,
    holdMaxSeconds: 300,
    withoutRules: 'no',
    onExit: 'withdraw',
    metricsAddress: 'off',
    logLevel: 'info',
    logFormat: 'auto',
  });
});

test('addresses become canonical, IPv4 and IPv6 together', () => {
  const { addresses } = read({
    ANNOUNCE_ADDRESSES: '::ffff:192.0.2.1, 2001:DB8:0::100,203.0.113.9',
  });
  assert.deepEqual(addresses, ['192.0.2.1', '2001:db8::100', '203.0.113.9']);
});

const BAD_ADDRESSES = [
  ...['node1', '192.0.2.1/32', '192.0.2.1,', '192.0.2.1 192.0.2.2', '192.0.2.1,::ffff:192.0.2.1'],
  ...['0.0.0.0', '127.0.0.1', '169.254.1.1', '224.0.0.1', '255.255.255.255'],
  ...['::', '::1', 'fe80::1', 'ff02::1', '2001:db8::1%eth0', '2001:db8::1,2001:db8:0::1'],
];

for (const value of BAD_ADDRESSES) {
  test(`COLLECTOR_ANNOUNCE_ADDRESSES refuses ${value}`, () => {
    const [problem] = problemsOf({ COLLECTOR_ANNOUNCE_ADDRESSES: value });
    assert.equal(problem?.variable, 'COLLECTOR_ANNOUNCE_ADDRESSES');
    assert.equal(problem?.value, value);
  });
}

test('COLLECTOR_ANNOUNCE_GOBGP_ADDRESS takes host:port and Unix sockets, and nothing else', () => {
  for (const target of ['127.0.0.1:50051', '[::1]:50051', 'gobgp:50051', 'unix:/run/gobgp.sock']) {
    assert.equal(read({ ANNOUNCE_GOBGP_ADDRESS: target }).gobgpTarget, target);
  }
  for (const bad of ['127.0.0.1', 'unix:gobgp.sock', 'http://127.0.0.1:50051', ':50051']) {
    assert.throws(() => read({ ANNOUNCE_GOBGP_ADDRESS: bad }), ConfigError, bad);
  }
});

test('all problems are told at once, with the variable, the value and what is allowed', () => {
  const problems = problemsOf({
    COLLECTOR_ANNOUNCE_METHOD: 'ospf',
    COLLECTOR_ANNOUNCE_FALL: '0',
    COLLECTOR_ANNOUNCE_INTERVAL_MS: '1s',
    COLLECTOR_ANNOUNCE_ON_EXIT: 'stay',
  });
  const lines = problems.map(({ variable, value, message }) => `${variable} ${value} ${message}`);
  assert.equal(lines.length, 5);
  assert.match(lines.join('\n'), /_ADDRESSES undefined must be IPv4 or IPv6 addresses/);
  assert.match(lines.join('\n'), /_METHOD ospf must be one of gobgp, kernel/);
  assert.match(lines.join('\n'), /_FALL 0 must be a whole number from 1 to 100/);
  assert.match(lines.join('\n'), /_INTERVAL_MS 1s must be a whole number from 50 to 60000/);
  assert.match(lines.join('\n'), /_ON_EXIT stay must be one of withdraw, keep/);
});

test('the longest hold must not be shorter than the first one', () => {
  assert.throws(() => read({ ANNOUNCE_HOLD_MAX_SECONDS: '29' }), /HOLD_MAX_SECONDS="29".*is 30/);
  assert.equal(read({ ANNOUNCE_HOLD_MAX_SECONDS: '30' }).holdMaxSeconds, 30);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { makeCertificate } from '../../test/cli/certificates.ts';
import { ConfigError, readConfig } from './config.ts';

const FOLLOW = 'COLLECTOR_FLOXY_FOLLOW';
const CA = 'COLLECTOR_FLOXY_FOLLOW_TLS_CA';
const CERTIFICATE = 'COLLECTOR_FLOXY_FOLLOW_TLS_CERTIFICATE';
const KEY = 'COLLECTOR_FLOXY_FOLLOW_TLS_KEY';

/** The variables that are complained about. */
function badVariables(env: NodeJS.ProcessEnv): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ variable }) => variable).sort();
  }
}

test('the leader is a host and a port', () => {
  const good: [string, string, string, number][] = [
    ['192.0.2.1:8853', '192.0.2.1:8853', '192.0.2.1', 8853],
    ['[2001:db8::1]:1', '[2001:db8::1]:1', '2001:db8::1', 1],
    ['node-1.example:65535', 'node-1.example:65535', 'node-1.example', 65_535],
  ];
  for (const [text, target, host, port] of good) {
    const { follow } = readConfig({ [FOLLOW]: text });
    assert.deepEqual(follow, { target, host, port, tls: undefined, tokenPath: undefined });
  }
  assert.equal(readConfig({ [FOLLOW]: '' }).follow, undefined);
});

test('anything else is refused as the leader', () => {
  for (const text of ['192.0.2.1', ':8853', 'node1:0', 'node1:65536', 'http://node1:80', 'a b:1']) {
    assert.deepEqual(badVariables({ [FOLLOW]: text }), [FOLLOW], text);
  }
});

test('the files of TLS have to be readable, complete, PEM, and fit together', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-follow-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const one = makeCertificate(folder, 'one');
  const other = makeCertificate(folder, 'other');
  const garbage = path.join(folder, 'garbage');
  writeFileSync(garbage, 'garbage');
  const leader = { [FOLLOW]: 'node1:8853' };
  const ca = { ...leader, [CA]: one.certificate };

  assert.deepEqual(readConfig(ca).follow?.tls, {
    caPath: one.certificate,
    certificatePath: undefined,
    keyPath: undefined,
  });
  assert.deepEqual(badVariables({ ...ca, [CERTIFICATE]: one.certificate, [KEY]: one.key }), []);

  // Other nodes are asked for templates too, by who follows nobody.
  assert.deepEqual(readConfig({ [CA]: one.certificate }).nodeTls?.caPath, one.certificate);
  assert.deepEqual(badVariables({ ...leader, [KEY]: one.key }), [CA, CERTIFICATE].sort());
  assert.deepEqual(badVariables({ ...ca, [CERTIFICATE]: one.certificate }), [KEY]);
  assert.deepEqual(badVariables({ ...leader, [CA]: path.join(folder, 'none') }), [CA]);
  assert.deepEqual(badVariables({ ...leader, [CA]: garbage }), [CA]);
  const mixed = { ...ca, [CERTIFICATE]: one.certificate, [KEY]: other.key };
  assert.deepEqual(badVariables(mixed), [CERTIFICATE]);
});

const PLAINTEXT = { COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow' };

test('a node does not follow itself', () => {
  const own: [NodeJS.ProcessEnv, string][] = [
    [{}, '127.0.0.1:8853'],
    [{ COLLECTOR_API_ADDRESS: '[::]' }, '127.0.0.5:8853'],
    [{ COLLECTOR_API_ADDRESS: '0.0.0.0:99' }, '[::1]:99'],
    [{ COLLECTOR_API_ADDRESS: '192.0.2.1' }, '192.0.2.1:8853'],
  ];
  for (const [env, leader] of own) {
    assert.deepEqual(badVariables({ ...PLAINTEXT, ...env, [FOLLOW]: leader }), [FOLLOW], leader);
  }
  const other: [NodeJS.ProcessEnv, string][] = [
    [{}, '127.0.0.1:8854'],
    [{ COLLECTOR_API_ADDRESS: '192.0.2.1' }, '127.0.0.1:8853'],
    [{ COLLECTOR_API_ADDRESS: '[::]' }, '192.0.2.1:8853'],
  ];
  for (const [env, leader] of other) {
    assert.deepEqual(badVariables({ ...PLAINTEXT, ...env, [FOLLOW]: leader }), [], leader);
  }
});

test('A44: a node that follows another has no file of rules', () => {
  const FILE = 'COLLECTOR_FLOXY_RULES_FILE';
  assert.deepEqual(badVariables({ [FOLLOW]: 'node1:8853', [FILE]: '/etc/floxy/rules.txtpb' }), [
    FILE,
  ]);
  assert.equal(readConfig({ [FILE]: '/not/there/yet.json' }).rulesFile, '/not/there/yet.json');
  assert.deepEqual(badVariables({ [FILE]: tmpdir() }), [FILE]);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { makeCertificate } from '../../test/cli/certificates.ts';
import { ConfigError, effectiveSettings, readConfig, type System } from './config.ts';

const SYSTEM: Partial<System> = {
  workingDirectory: '/srv/floxy',
  readPasswd: () => 'alice:x:1001:100::/:/bin/sh\nfloxy:x:990:991::/:/bin/false\n',
  readGroups: () => 'netops:x:2000:alice,bob\nwheel:x:10:\n',
};

function access(env: NodeJS.ProcessEnv) {
  return readConfig(env, SYSTEM).api.access;
}

/** Variables with a problem, and what it is. */
function problems(env: NodeJS.ProcessEnv): Record<string, string> {
  try {
    readConfig(env, SYSTEM);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return Object.fromEntries(error.problems.map(({ variable, message }) => [variable, message]));
  }
  return {};
}

const ROLES = { COLLECTOR_API_ACCESS: 'roles' };

test('A20: users, user ids, groups and certificates can be named', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-access-'));
  try {
    const { certificate } = makeCertificate(folder, 'one');
    const tls = {
      COLLECTOR_API_TLS_CLIENT_CA: certificate,
      COLLECTOR_API_TLS_CERTIFICATE: certificate,
      COLLECTOR_API_TLS_KEY: path.join(folder, 'one.key'),
    };
    const named = access({
      ...ROLES,
      ...tls,
      COLLECTOR_API_ADMINS: 'alice, 4711,%netops,cert:ops.example.net',
    }).named.admin;
    assert.deepEqual(named, {
      words: ['alice', '4711', '%netops', 'cert:ops.example.net'],
      uids: [1001, 4711],
      groups: [{ name: 'netops', gid: 2000 }],
      certificates: ['ops.example.net'],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('A20: names that are nobody, and settings without effect, are refused', () => {
  for (const word of ['bob', '%nobody', '', '%', 'cert:', '4294967295', 'alice,,bob']) {
    const found = problems({ ...ROLES, COLLECTOR_API_EDITORS: `alice,${word}` });
    assert.deepEqual(Object.keys(found), ['COLLECTOR_API_EDITORS'], word);
  }
  const idle = {
    COLLECTOR_API_ADMINS: 'alice',
    COLLECTOR_API_EDITORS: 'alice',
    COLLECTOR_API_VIEWERS: 'alice',
    COLLECTOR_API_LOCAL_USERS: 'nothing',
    COLLECTOR_API_OTHERS: 'viewer',
  };
  assert.deepEqual(Object.keys(problems(idle)), Object.keys(idle));
  assert.deepEqual(problems({ ...ROLES, ...idle }), {});
  const unseen = problems({ ...ROLES, COLLECTOR_API_VIEWERS: 'cert:alice' });
  assert.match(unseen['COLLECTOR_API_VIEWERS'] ?? '', /COLLECTOR_API_TLS_CLIENT_CA/);
});

test('A21: the socket is in the runtime directory, where a setting says, or nowhere', () => {
  const socket = (env: NodeJS.ProcessEnv) => readConfig(env, SYSTEM).api.socket;
  assert.deepEqual(socket({ COLLECTOR_FLOXY_RUNTIME_DIRECTORY: '/run/x' }), {
    path: '/run/x/api.sock',
    mode: 0o666,
  });
  const set = { COLLECTOR_API_SOCKET: '/run/x/y.sock', COLLECTOR_API_SOCKET_MODE: '0660' };
  assert.deepEqual(socket(set), { path: '/run/x/y.sock', mode: 0o660 });
  assert.equal(socket({ COLLECTOR_API_SOCKET: 'off' }), undefined);
  const long = `/run/${'x'.repeat(100)}`;
  assert.equal(socket({ COLLECTOR_FLOXY_RUNTIME_DIRECTORY: long }), undefined);
  assert.deepEqual(Object.keys(problems({ COLLECTOR_API_SOCKET: long })), ['COLLECTOR_API_SOCKET']);
  for (const mode of ['1666', '8', '66', 'rw-']) {
    const found = problems({ COLLECTOR_API_SOCKET_MODE: mode });
    assert.deepEqual(Object.keys(found), ['COLLECTOR_API_SOCKET_MODE'], mode);
  }
  const shown = effectiveSettings({ COLLECTOR_FLOXY_RUNTIME_DIRECTORY: '/run/x' });
  const row = shown.find(({ variable }) => variable === 'COLLECTOR_API_SOCKET');
  assert.equal(row?.value, '/run/x/api.sock');
});

test('A24: without TLS the API is on the loopback, unless a setting says so in plain words', () => {
  const refused = ['0.0.0.0', '[::]', ':8853', '192.0.2.1', '[2001:db8::1]:9000'];
  for (const address of refused) {
    const env = { COLLECTOR_API_ADDRESS: address };
    const found = problems(env);
    assert.match(found['COLLECTOR_API_ADDRESS'] ?? '', /needs TLS/, address);
    const plain = { ...env, COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow' };
    assert.deepEqual(problems(plain), {}, address);
  }
  for (const address of ['127.0.0.1', '127.9.9.9:1', '[::1]']) {
    assert.deepEqual(problems({ COLLECTOR_API_ADDRESS: address }), {}, address);
  }
});

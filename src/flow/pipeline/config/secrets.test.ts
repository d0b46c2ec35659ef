import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { localSecrets, remoteSecrets } from './secrets.ts';

test('documents of this machine have its variables and files', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-secrets-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'password'), 'x\n');
  writeFileSync(path.join(folder, 'large'), Buffer.alloc(70_000));
  const secrets = localSecrets({ A: '1' }, folder);
  assert.equal(secrets.variable('A'), '1');
  assert.equal(secrets.variable('B'), undefined);
  assert.equal(secrets.readFile('password'), 'x\n');
  assert.equal(secrets.readFile(path.join(folder, 'password')), 'x\n');
  assert.throws(() => secrets.readFile('none'), /ENOENT/);
  assert.throws(() => secrets.readFile('.'), /is no file/);
  assert.throws(() => secrets.readFile('large'), /more than 65536/);
});

test('documents of the API have what is meant for them', () => {
  const secrets = remoteSecrets({ A: '1', FLOXY_SECRET_KAFKA: '2' });
  assert.equal(secrets.variable('A'), undefined);
  assert.equal(secrets.variable('FLOXY_SECRET_KAFKA'), '2');
  assert.throws(() => secrets.readFile('/etc/passwd'), /FLOXY_SECRET_/);
});

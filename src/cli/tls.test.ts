import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ServerCredentials } from '@grpc/grpc-js';
import { makeCertificate } from '../../test/cli/certificates.ts';
import { startFakeApi } from '../../test/cli/fake-api.ts';
import { runFloxy } from '../../test/cli/fake-terminal.ts';

test('with the files for TLS the command line talks to an API that asks for a certificate', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const server = makeCertificate(folder, 'floxy.example');
  const client = makeCertificate(folder, 'operator.example');
  const pair = {
    cert_chain: readFileSync(server.certificate),
    private_key: readFileSync(server.key),
  };
  const asksForCertificate = true;
  await using api = await startFakeApi(
    { answer: { verdict: 'OK', proxy: { state: 'OK' } } },
    ServerCredentials.createSsl(readFileSync(client.certificate), [pair], asksForCertificate),
  );
  const status = ['status', '-o', 'text', '--api', `127.0.0.1:${api.port}`];
  const trusted = [...status, '--tls-ca', server.certificate, '--tls-server-name', 'floxy.example'];

  const known = await runFloxy([
    ...trusted,
    ...['--tls-certificate', client.certificate, '--tls-key', client.key],
  ]);
  assert.deepEqual(known, { exitCode: 0, output: 'proxy: {state: OK}\nverdict: OK\n', errors: '' });

  const unknown = await runFloxy(trusted);
  assert.equal(unknown.exitCode, 3);
  assert.match(unknown.errors, /--tls-certificate and --tls-key/);
  const misnamed = await runFloxy([...status, '--tls-ca', server.certificate]);
  assert.equal(misnamed.exitCode, 3);
  assert.match(misnamed.errors, /is for another name.*--tls-server-name/);
  const distrusting = await runFloxy([...status, '--tls']);
  assert.equal(distrusting.exitCode, 3);
  assert.match(distrusting.errors, /self-signed certificate.*name the authority.*--tls-ca\.$/m);
  const plain = await runFloxy(status);
  assert.equal(plain.exitCode, 3);
  assert.match(plain.errors, /Does it expect TLS \(--tls-ca\)\?/);
  assert.equal(api.calls.length, 1);
});

/** Certificates of the API and of its clients. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { credentials, status as Status } from '@grpc/grpc-js';
import { makeCertificate } from '../cli/certificates.ts';
import { waitFor } from '../lab/shell.ts';
import { OPEN_ACCESS, startApi, TestClient } from './harness.ts';

interface Folder extends Disposable {
  readonly path: string;
}

function makeFolder(): Folder {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-certificates-'));
  return {
    path: folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The name in the certificate that a new connection is shown. */
function shownName(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] };
    const socket = connect(options, () => {
      resolve(socket.getPeerX509Certificate()?.subject ?? 'nobody');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('A25: certificates are read again; open connections stay, bad files leave those before', async () => {
  using folder = makeFolder();
  const one = makeCertificate(folder.path, 'one');
  const two = makeCertificate(folder.path, 'two');
  const used = makeCertificate(folder.path, 'used');
  const take = (from: typeof one) => {
    copyFileSync(from.certificate, used.certificate);
    copyFileSync(from.key, used.key);
  };
  take(one);
  const tls = { certificatePath: used.certificate, keyPath: used.key, clientCaPath: undefined };
  await using api = await startApi({ tls });
  const port = api.server.boundPort;
  const channel = credentials.createSsl(readFileSync(one.certificate), null, null, {
    checkServerIdentity: () => undefined,
  });
  using client = new TestClient(`localhost:${port}`, channel);
  await client.ask('ListProxyRules');
  assert.equal(await shownName(port), 'CN=one');

  take(two);
  await waitFor('the new certificate', async () => (await shownName(port)) === 'CN=two');
  // It would not trust a new connection.
  await client.ask('ListProxyRules');

  writeFileSync(used.certificate, 'garbage');
  await waitFor('a word in the log', () => JSON.stringify(api.logged).includes('cannot be used'));
  assert.equal(await shownName(port), 'CN=two');
  take(one);
  await waitFor('the certificate after it', async () => (await shownName(port)) === 'CN=one');
  const told = api.logged.filter(({ msg }) => String(msg).includes('certificates of the API'));
  assert.deepEqual(
    told.map(({ level }) => level),
    [30, 50, 30],
  );
});

test('A20: the name in a certificate has the role that settings give it', async () => {
  using folder = makeFolder();
  const server = makeCertificate(folder.path, 'localhost');
  const alice = makeCertificate(folder.path, 'alice');
  const bob = makeCertificate(folder.path, 'bob');
  const clientCaPath = path.join(folder.path, 'clients.pem');
  writeFileSync(
    clientCaPath,
    readFileSync(alice.certificate, 'utf8') + readFileSync(bob.certificate, 'utf8'),
  );
  const tls = { certificatePath: server.certificate, keyPath: server.key, clientCaPath };
  const nobody = OPEN_ACCESS.named.viewer;
  const named = { admin: nobody, editor: { ...nobody, certificates: ['alice'] }, viewer: nobody };
  await using api = await startApi({ tls, access: { ...OPEN_ACCESS, hasRoles: true, named } });
  const clientOf = ({ certificate, key }: typeof alice) => {
    const [ca, own, secret] = [server.certificate, certificate, key].map((file) =>
      readFileSync(file),
    );
    const channel = credentials.createSsl(ca, secret, own);
    return new TestClient(`localhost:${api.server.boundPort}`, channel);
  };
  using named1 = clientOf(alice);
  await named1.ask('ReplaceProxyRules');
  assert.equal(api.logged.find(({ call }) => call === 'ReplaceProxyRules')?.['who'], 'cert:alice');
  // Nobody's name: the user of the connection counts, as without a certificate.
  using other = clientOf(bob);
  const { error } = await other.call('ReplaceProxyRules');
  assert.equal(
    error?.code ?? Status.OK,
    process.geteuid?.() === 0 ? Status.OK : Status.PERMISSION_DENIED,
  );
});

test('A26: handshakes that fail are counted, and logged with the reason', async () => {
  using folder = makeFolder();
  const server = makeCertificate(folder.path, 'localhost');
  const tls = {
    certificatePath: server.certificate,
    keyPath: server.key,
    clientCaPath: server.certificate,
  };
  await using api = await startApi({ tls });
  using plain = new TestClient(api.address);
  assert.equal((await plain.call('ListProxyRules')).error?.code, Status.UNAVAILABLE);
  using without = new TestClient(
    `localhost:${api.server.boundPort}`,
    credentials.createSsl(readFileSync(server.certificate)),
  );
  assert.equal((await without.call('ListProxyRules')).error?.code, Status.UNAVAILABLE);
  await waitFor('both are counted', () => api.server.status().rejections.tls >= 2);
  const line = api.logged.find(({ cause }) => cause === 'tls');
  assert.match(String(line?.['from']), /^127\.0\.0\.1:\d+$/);
});

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { credsAuthenticator, nkeyAuthenticator, nkeys } from '@nats-io/transport-node';
import { natsKind } from '../../../src/flow/produce/nats.ts';
import { makeCertificate } from '../../cli/certificates.ts';
import { waitFor } from '../../lab/shell.ts';
import { makeNatsCredentials } from '../../support/nats-credentials.ts';
import { NatsPeer, type NatsPeerOptions } from '../../support/nats-peer.ts';
import { failureOf, offerOf, startProducer, temporaryFolder } from '../../support/offers.ts';
import { describeConformance } from '../../support/producer-conformance.ts';

describeConformance({
  title: 'nats',
  kind: natsKind,
  makePeer: () => NatsPeer.make({ jetstream: false }),
  // The server acknowledges what its subscribers never get: those that come later, or what was in memory when it died.
  acknowledged: 'by nobody',
});

describeConformance({
  title: 'nats with JetStream',
  kind: natsKind,
  makePeer: () => NatsPeer.make({ jetstream: true }),
  acknowledged: 'by peer',
});

describe('nats', () => {
  test('authenticates by user, token, NKey and credentials, and tells when it is not let in', async () => {
    await using folder = await temporaryFolder();
    const nkey = nkeys.createUser();
    const seed = Buffer.from(nkey.getSeed()).toString();
    const nkeyConfig = path.join(folder.path, 'nats.conf');
    await writeFile(nkeyConfig, `authorization { users = [ { nkey: ${nkey.getPublicKey()} } ] }`);
    const { config, creds } = makeNatsCredentials();
    const operatorConfig = path.join(folder.path, 'operator.conf');
    const credsFile = path.join(folder.path, 'user.creds');
    await writeFile(operatorConfig, config);
    await writeFile(credsFile, creds);
    const byCreds = { authenticator: credsAuthenticator(Buffer.from(creds)) };
    const ways: [NatsPeerOptions['arguments'], NatsPeerOptions['client'], object][] = [
      [['--user', 'u', '--pass', 'p'], { user: 'u', pass: 'p' }, { user: 'u', password: 'p' }],
      [['--auth', 't'], { token: 't' }, { token: 't' }],
      [
        ['-c', nkeyConfig],
        { authenticator: nkeyAuthenticator(nkey.getSeed()) },
        { nkey_seed: seed },
      ],
      [['-c', operatorConfig], byCreds, { creds_file: credsFile }],
    ];
    for (const [args = [], client = {}, options] of ways) {
      await using peer = await NatsPeer.make({ jetstream: false, arguments: args, client });
      await peer.up();
      await assertDelivers(peer, options);
      await using stranger = await startProducer(natsKind, peer.options);
      assert.match(await failureOf(stranger), /uthori[sz]ation/i);
    }
  });

  test('TLS: the certificate is checked, unless that is turned off', async () => {
    await using folder = await temporaryFolder();
    const files = makeCertificate(folder.path, 'localhost');
    const args = ['--tls', '--tlscert', files.certificate, '--tlskey', files.key];
    const client = { tls: { caFile: files.certificate } };
    await using peer = await NatsPeer.make({
      jetstream: false,
      arguments: args,
      client,
      host: 'localhost',
    });
    await peer.up();
    await assertDelivers(peer, { tls: { ca_file: files.certificate } });
    await assertDelivers(peer, { tls: { verify: false } });
    await using untrusting = await startProducer(natsKind, { ...peer.options, tls: {} });
    assert.match(await failureOf(untrusting), /certificate/);
    const missing = { ca_file: '/nowhere/ca.pem' };
    await using unready = await startProducer(natsKind, { ...peer.options, tls: missing });
    assert.match(await failureOf(unready), /the TLS file \/nowhere\/ca.pem cannot be read/);
  });

  test('TLS that is asked for is not done without', async () => {
    await using peer = await NatsPeer.make({ jetstream: false });
    await peer.up();
    await using producer = await startProducer(natsKind, { ...peer.options, tls: {} });
    assert.match(await failureOf(producer), /tls/i);
  });

  test('messages larger than the server takes fail, the others are delivered', async () => {
    await using folder = await temporaryFolder();
    const config = path.join(folder.path, 'nats.conf');
    await writeFile(config, 'max_payload: 1000');
    await using peer = await NatsPeer.make({ jetstream: false, arguments: ['-c', config] });
    await peer.up();
    await using producer = await startProducer(natsKind, peer.options);
    producer.offer(offerOf(['a', 'x'.repeat(1001), 'b']));
    await producer.flush(60_000);
    assert.match(producer.status.error ?? '', /larger than the server takes \(max_payload 1000\)/);
    assert.deepEqual([producer.counters.delivered, producer.counters.failed], [2, 1]);
    await waitFor('both have come', async () => (await peer.received()).length === 2);
  });

  test('JetStream without a stream for the subject is told', async () => {
    await using peer = await NatsPeer.make({ jetstream: true });
    await peer.up();
    await using producer = await startProducer(natsKind, {
      ...peer.options,
      subject: 'other.{protocol}',
    });
    producer.offer({ ...offerOf(['a']), protocol: 'sflow' });
    assert.match(await failureOf(producer), /no JetStream stream takes other\.sflow: make one/);
    assert.equal(producer.counters.queuedRecords, 1);
  });

  test('JetStream has each message once, also those that were sent again', async () => {
    await using peer = await NatsPeer.make({ jetstream: true });
    await peer.up();
    await using producer = await startProducer(natsKind, {
      ...peer.options,
      send_timeout: '300ms',
    });
    const texts = Array.from({ length: 3000 }, (_, i) => `k:${i}`);
    for (let i = 0; i < texts.length; i += 300) {
      producer.offer(offerOf(texts.slice(i, i + 300)));
      await waitFor('some of it is delivered', () => producer.counters.delivered >= i - 600);
      if (i % 900 === 0) {
        await peer.down();
        await peer.up();
      }
    }
    await producer.flush(60_000);
    assert.deepEqual(await peer.received(), texts);
  });
});

async function assertDelivers(peer: NatsPeer, options: object): Promise<void> {
  await using producer = await startProducer(natsKind, { ...peer.options, ...options });
  const before = (await peer.received()).length;
  producer.offer(offerOf(['a', 'b']));
  await producer.flush(60_000);
  await waitFor('both have come', async () => (await peer.received()).length === before + 2);
}

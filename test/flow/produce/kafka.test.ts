import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { kafkaKind } from '../../../src/flow/produce/kafka.ts';
import { makeCertificate } from '../../cli/certificates.ts';
import { waitFor } from '../../lab/shell.ts';
import { KafkaPeer } from '../../support/kafka-peer.ts';
import { failureOf, offerOf, startProducer, temporaryFolder } from '../../support/offers.ts';
import { describeConformance } from '../../support/producer-conformance.ts';
import { SaslBroker } from '../../support/sasl-broker.ts';

describeConformance({
  title: 'kafka',
  kind: kafkaKind,
  makePeer: () => KafkaPeer.make(),
  acknowledged: 'by peer',
});

describe('kafka', () => {
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    test(`messages arrive with their keys, compression ${compression}`, async () => {
      await using peer = await KafkaPeer.make();
      await peer.up();
      await using producer = await startProducer(kafkaKind, { ...peer.options, compression });
      const texts = Array.from({ length: 200 }, (_, i) => `k${i % 7}:${i}`);
      producer.offer(offerOf(texts));
      await producer.flush(60_000);
      await waitFor('all have come', async () => (await peer.received()).length >= texts.length);
      assert.deepEqual((await peer.received()).toSorted(), texts.toSorted());
      const { partitionsByKey } = peer;
      assert.equal(partitionsByKey.size, 7);
      for (const partitions of partitionsByKey.values()) assert.equal(partitions.size, 1);
    });
  }

  test('messages arrive when the leader alone has to have them', async () => {
    await using peer = await KafkaPeer.make();
    await peer.up();
    await using producer = await startProducer(kafkaKind, { ...peer.options, acks: 1 });
    for (let i = 0; i < 5; i++) {
      producer.offer(offerOf([`k:${i}`]));
      await producer.flush(60_000);
    }
    await waitFor('all have come', async () => (await peer.received()).length >= 5);
    assert.deepEqual(await peer.received(), ['k:0', 'k:1', 'k:2', 'k:3', 'k:4']);
  });

  test('a cluster that is killed and comes back with other brokers is found again, accounts are exact', async () => {
    await using peer = await KafkaPeer.make();
    await using producer = await startProducer(kafkaKind, peer.options);
    let sent = 0;
    for (let life = 0; life < 3; life++) {
      await peer.up();
      producer.offer(offerOf([`k:${sent++}`]));
      await waitFor('it is delivered', () => producer.counters.queuedRecords === 0);
      await peer.kill();
      producer.offer(offerOf([`k:${sent++}`]));
      await waitFor('it is told', () => producer.status.state === 'failing');
      assert.equal(producer.counters.queuedRecords, 1);
    }
    await peer.up();
    await producer.flush(60_000);
    const { offered, delivered, failed, dropped } = producer.counters;
    assert.deepEqual(
      { offered, delivered, failed, dropped },
      { offered: 6, delivered: 6, failed: 0, dropped: 0 },
    );
  });

  test('SASL: name and password are sent, a refusal is told', async () => {
    await using broker = await SaslBroker.start();
    const sasl = { username: 'u', password: 'p' };
    await using producer = await startProducer(kafkaKind, { brokers: [broker.address], sasl });
    assert.match(await failureOf(producer), /SASL_AUTHENTICATION_FAILED/);
    assert.equal(broker.said[0], '\0u\0p');
  });

  test('a broker that refuses, and resets the connection later, is asked again', async () => {
    await using broker = await SaslBroker.start();
    const sasl = { username: 'u', password: 'p' };
    await using producer = await startProducer(kafkaKind, { brokers: [broker.address], sasl });
    assert.match(await failureOf(producer), /SASL_AUTHENTICATION_FAILED/);
    broker.reset();
    const attempts = broker.said.length;
    await waitFor('another attempt', async () => broker.said.length > attempts);
  });

  test('TLS: the certificate is checked, unless that is turned off', async () => {
    await using folder = await temporaryFolder();
    const files = makeCertificate(folder.path, 'localhost');
    const settings = { cert: await readFile(files.certificate), key: await readFile(files.key) };
    await using broker = await SaslBroker.start(settings);
    const options = { brokers: [broker.address], sasl: { username: 'u', password: 'p' } };
    await using untrusting = await startProducer(kafkaKind, { ...options, tls: {} });
    assert.match(await failureOf(untrusting), /certificate/);
    assert.deepEqual(broker.said, []);
    for (const tls of [{ ca_file: files.certificate }, { verify: false }]) {
      await using producer = await startProducer(kafkaKind, { ...options, tls });
      assert.match(await failureOf(producer), /SASL_AUTHENTICATION_FAILED/);
    }
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { kafkaKind } from '../../../src/flow/produce/kafka.ts';
import { waitFor } from '../../lab/shell.ts';
import { KafkaPeer } from '../../support/kafka-peer.ts';
import { describeConformance } from '../../support/producer-conformance.ts';

const log = pino({ level: 'silent' });

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
      const producer = makeProducer(peer, { compression });
      await producer.start();
      const texts = Array.from({ length: 200 }, (_, i) => `k${i % 7}:${i}`);
      producer.offer(offerOf(texts));
      await producer.flush(60_000);
      await waitFor('all have come', async () => (await peer.received()).length >= texts.length);
      assert.deepEqual((await peer.received()).toSorted(), texts.toSorted());
      const { partitionsByKey } = peer;
      assert.equal(partitionsByKey.size, 7);
      for (const partitions of partitionsByKey.values()) assert.equal(partitions.size, 1);
      await producer.stop(2000);
    });
  }

  test('messages arrive when the leader alone has to have them', async () => {
    await using peer = await KafkaPeer.make();
    await peer.up();
    const producer = makeProducer(peer, { acks: 1 });
    await producer.start();
    for (let i = 0; i < 5; i++) {
      producer.offer(offerOf([`k:${i}`]));
      await producer.flush(60_000);
    }
    await waitFor('all have come', async () => (await peer.received()).length >= 5);
    assert.deepEqual(await peer.received(), ['k:0', 'k:1', 'k:2', 'k:3', 'k:4']);
    await producer.stop(2000);
  });

  test('a cluster that is killed and comes back with other brokers is found again, accounts are exact', async () => {
    await using peer = await KafkaPeer.make();
    const producer = makeProducer(peer);
    await producer.start();
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
    await producer.stop(2000);
  });
});

function makeProducer(peer: KafkaPeer, options: object = {}) {
  const quick = { batch_delay: '5ms', retry_delay: '10ms', retry_delay_max: '100ms' };
  const parsed = kafkaKind.options.parse({ ...quick, ...peer.options, ...options });
  return kafkaKind.create(parsed, { log, pipeline: 'p', shard: 0 });
}

function offerOf(texts: readonly string[]) {
  let end = 0;
  const ends = Uint32Array.from(texts, (text) => (end += text.length));
  const keys = texts.map((text) => Buffer.from(text.slice(0, text.indexOf(':'))));
  return { bytes: Buffer.from(texts.join('')), ends, keys, records: texts.length };
}

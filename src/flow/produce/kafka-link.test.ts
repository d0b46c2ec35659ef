import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Producer, ProtocolError } from '@platformatic/kafka';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import { kafkaKind } from './kafka.ts';
import { KafkaLink } from './kafka-link.ts';
import { Name } from './names.ts';

const PARTITIONS = 4;
const TOO_LARGE = 10;

function batchOf(...texts: string[]): EncodedBatch {
  let end = 0;
  const ends = Uint32Array.from(texts, (text) => (end += text.length));
  const keys = texts.map(() => Buffer.from('k'));
  return { bytes: Buffer.from(texts.join('')), ends, keys, records: texts.length };
}

test('a batch that is too large is halved, a message that is too large alone is refused', async (t) => {
  const taken: string[] = [];
  const topics = new Map([['flows', { partitionsCount: PARTITIONS }]]);
  t.mock.method(Producer.prototype, 'metadata', async () => ({ topics }));
  t.mock.method(Producer.prototype, 'close', async () => undefined);
  t.mock.method(
    Producer.prototype,
    'send',
    async ({ messages }: { messages: { value: Buffer }[] }) => {
      const octets = messages.reduce((sum, { value }) => sum + value.length, 0);
      if (octets > 6) throw new ProtocolError(TOO_LARGE);
      taken.push(...messages.map(({ value }) => value.toString()));
      return {};
    },
  );
  const options = kafkaKind.options.parse({ topic: 'flows' });
  const link = new KafkaLink(options, new Name('flows', { pipeline: 'p', shard: 0 }));
  await link.connect();
  const outcome = await link.send(
    batchOf('aa', 'bb', 'much too large', 'cc', 'also too large', 'dd', 'ee'),
  );
  assert.deepEqual(taken, ['aa', 'bb', 'cc', 'dd', 'ee']);
  assert.deepEqual(outcome?.refused, [2, 4]);
  assert.match(outcome?.error.message ?? '', /MESSAGE_TOO_LARGE/);
  await link.close();
});

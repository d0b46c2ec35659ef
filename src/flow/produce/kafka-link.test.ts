import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { NetworkError, Producer, ProtocolError } from '@platformatic/kafka';
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

type Send = (options: { messages: { value: Buffer; partition: number }[] }) => Promise<object>;

/** A link whose brokers are a function. */
async function linkTo(t: TestContext, send: Send) {
  const topics = new Map([['flows', { partitionsCount: PARTITIONS }]]);
  t.mock.method(Producer.prototype, 'metadata', async () => ({ topics }));
  t.mock.method(Producer.prototype, 'close', async () => undefined);
  t.mock.method(Producer.prototype, 'send', send);
  const options = kafkaKind.options.parse({ topic: 'flows' });
  const lost = t.mock.fn<(error: Error) => void>();
  const link = new KafkaLink(options, new Name('flows', { pipeline: 'p', shard: 0 }), { lost });
  await link.connect();
  return { link, lost };
}

test('a batch that is too large is halved, a message that is too large alone is refused', async (t) => {
  const taken: string[] = [];
  const { link } = await linkTo(t, async ({ messages }) => {
    const octets = messages.reduce((sum, { value }) => sum + value.length, 0);
    if (octets > 6) throw new ProtocolError(TOO_LARGE);
    taken.push(...messages.map(({ value }) => value.toString()));
    return {};
  });
  const texts = ['aa', 'bb', 'much too large', 'cc', 'also too large', 'dd', 'ee'];
  const outcome = await link.send(batchOf(...texts));
  assert.deepEqual(taken, ['aa', 'bb', 'cc', 'dd', 'ee']);
  assert.deepEqual(outcome?.refused, [2, 4]);
  assert.match(outcome?.error.message ?? '', /MESSAGE_TOO_LARGE/);
  await link.close();
});

test('of a batch that some brokers have taken, only the rest is sent again', async (t) => {
  let deaf = -1;
  const { link, lost } = await linkTo(t, async ({ messages }) => {
    deaf = messages[0]?.partition ?? -1;
    const others = messages.filter(({ partition }) => partition !== deaf);
    const offsets = others.map(({ partition }) => ({ topic: 'flows', partition, offset: 0n }));
    throw Object.assign(new NetworkError('connection lost'), { produced: { offsets } });
  });
  const keys = Array.from({ length: 40 }, (_, i) => Buffer.from(`k${i}`));
  const batch = { ...batchOf(...keys.map(() => 'x')), keys };
  const outcome = await link.send(batch);
  const { again = [] } = outcome ?? {};
  assert.ok(again.length > 0 && again.length < 40);
  assert.ok(again.includes(0));
  await new Promise(setImmediate);
  assert.equal(lost.mock.callCount(), 1, 'the connection is made anew');
  await link.close();
});

test('a batch that nobody has taken is a connection that broke', async (t) => {
  const { link } = await linkTo(t, async () => {
    throw new NetworkError('connection lost');
  });
  await assert.rejects(link.send(batchOf('a', 'b')), /connection lost/);
  await link.close();
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { z } from 'zod';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { Producer } from '../model/producer.ts';
import { message } from './batcher.ts';
import type { Link, LinkEvents, Outcome } from './link.ts';
import { commonOptions } from './options.ts';
import { QueuedProducer } from './queued-producer.ts';

const log = pino({ level: 'silent' });
const schema = z.strictObject(commonOptions);
const quick = { batch_delay: '1ms', retry_delay: '1ms', retry_delay_max: '2ms' };

/** A peer in the same process, which does as it is told. */
class FakePeer implements Link {
  readonly received: string[] = [];
  events: LinkEvents | undefined;
  connects = 0;
  onConnect: () => Promise<void> = async () => undefined;
  onSend: (batch: EncodedBatch) => Promise<Outcome | undefined> = async () => undefined;

  async connect(): Promise<void> {
    this.connects++;
    await this.onConnect();
  }

  async send(batch: EncodedBatch): Promise<Outcome | undefined> {
    const outcome = await this.onSend(batch);
    const open = new Set([...(outcome?.refused ?? []), ...(outcome?.again ?? [])]);
    for (const i of batch.ends.keys())
      if (!open.has(i)) this.received.push(message(batch, i).toString());
    return outcome;
  }

  async close(): Promise<void> {}
}

function producerFor(peer: FakePeer, options: z.input<typeof schema> = {}): QueuedProducer {
  const parsed = schema.parse({ ...quick, ...options });
  return new QueuedProducer({
    options: parsed,
    context: { log, pipeline: 'p', shard: 0 },
    name: 'peer',
    link: (events) => {
      peer.events = events;
      return peer;
    },
  });
}

function offerOf(...texts: string[]): EncodedBatch {
  let end = 0;
  const ends = Uint32Array.from(texts, (text) => (end += text.length));
  return { bytes: Buffer.from(texts.join('')), ends, records: texts.length * 2 };
}

/** Does to a batch what fate says. */
function outcomeOf(
  fate: string | undefined,
  batch: EncodedBatch,
  peer: FakePeer,
): Outcome | undefined {
  const error = new Error(fate);
  if (fate === 'throw') throw error;
  if (fate === 'lost') peer.events?.lost(error);
  const half = Array.from(batch.ends.keys()).slice(batch.ends.length >> 1);
  if (fate === 'again') return { again: half, error };
  return fate === 'refuse' ? { refused: half, error } : undefined;
}

function assertAccounts({ counters: c }: Producer): void {
  assert.equal(c.offered + c.recovered, c.delivered + c.failed + c.dropped + c.queuedRecords);
}

describe('producer', () => {
  test('delivers, and counts records and octets', async () => {
    const peer = new FakePeer();
    const producer = producerFor(peer);
    await producer.start();
    assert.equal(producer.offer(offerOf('a', 'bc')), true);
    await producer.flush(60_000);
    assert.deepEqual(peer.received, ['a', 'bc']);
    const { delivered, bytes, queuedRecords, queuedBytes } = producer.counters;
    assert.deepEqual(
      { delivered, bytes, queuedRecords, queuedBytes },
      { delivered: 4, bytes: 3, queuedRecords: 0, queuedBytes: 0 },
    );
    assert.deepEqual(producer.status, { state: 'ok' });
    await producer.stop(1000);
  });

  test('a peer that is not there is a state, and is tried again', async () => {
    const peer = new FakePeer();
    peer.onConnect = async () => {
      if (peer.connects < 4) throw new Error('connect ECONNREFUSED');
    };
    const producer = producerFor(peer);
    assert.equal(producer.status.state, 'connecting');
    await producer.start();
    producer.offer(offerOf('a'));
    while (peer.connects < 2) await sleep(1);
    assert.deepEqual(producer.status, { state: 'failing', error: 'peer: connect ECONNREFUSED' });
    await producer.flush(60_000);
    assert.deepEqual(peer.received, ['a']);
    assert.deepEqual(producer.status, { state: 'ok' });
    await producer.stop(1000);
  });

  test('what does not fit into the queue is dropped, whole offers, and counted', async () => {
    const peer = new FakePeer();
    peer.onConnect = () => new Promise(() => undefined);
    const producer = producerFor(peer, { queue_records: 5 });
    await producer.start();
    assert.deepEqual(
      ['a', 'b', 'c'].map((text) => producer.offer(offerOf(text))),
      [true, true, false],
    );
    assert.equal(producer.counters.dropped, 2);
    assertAccounts(producer);
    await producer.stop(100);
    assert.equal(producer.counters.failed, 4);
    assert.equal(producer.offer(offerOf('d')), false, 'nothing is taken after the stop');
    assertAccounts(producer);
  });

  test('octets in memory are bounded, those of small messages included', async () => {
    const peer = new FakePeer();
    peer.onConnect = () => new Promise(() => undefined);
    const producer = producerFor(peer, { queue_bytes: 65_536 });
    await producer.start();
    for (let i = 0; i < 20_000; i++) producer.offer(offerOf('x'));
    assert.ok(producer.counters.queuedBytes <= 65_536);
    assert.ok(producer.counters.dropped > 0);
    assertAccounts(producer);
    await producer.stop(50);
  });

  test('a connection that is lost while nothing is sent is made again', async () => {
    const peer = new FakePeer();
    const producer = producerFor(peer);
    await producer.start();
    while (producer.status.state !== 'ok') await sleep(1);
    peer.events?.lost(new Error('reset by peer'));
    assert.deepEqual(producer.status, { state: 'failing', error: 'peer: reset by peer' });
    while (peer.connects < 2 || producer.status.state !== 'ok') await sleep(1);
    await producer.stop(1000);
  });

  test('a connection that is lost while a batch is under way: it is sent again', async () => {
    const peer = new FakePeer();
    let sends = 0;
    peer.onSend = async () => {
      if (++sends > 1) return undefined;
      peer.events?.lost(new Error('reset by peer'));
      return new Promise(() => undefined);
    };
    const producer = producerFor(peer);
    await producer.start();
    producer.offer(offerOf('a'));
    await producer.flush(60_000);
    assert.deepEqual(peer.received, ['a']);
    assert.equal(producer.counters.retried, 2);
    await producer.stop(1000);
  });

  test('a peer that never answers: the batch is sent again', async () => {
    const peer = new FakePeer();
    let sends = 0;
    peer.onSend = () => (++sends > 1 ? Promise.resolve(undefined) : new Promise(() => undefined));
    const producer = producerFor(peer, { send_timeout: '20ms' });
    await producer.start();
    producer.offer(offerOf('a'));
    while (producer.status.state !== 'failing') await sleep(1);
    assert.match(producer.status.error ?? '', /^peer: no acknowledgement within 20 ms$/);
    await producer.flush(60_000);
    assert.deepEqual(peer.received, ['a']);
    await producer.stop(1000);
  });

  test('a batch that fails as often as allowed is given up, the next one goes', async () => {
    const peer = new FakePeer();
    peer.onSend = async (batch) => {
      if (message(batch, 0).toString() === 'bad') throw new Error('no');
      return undefined;
    };
    const producer = producerFor(peer, { retry_attempts: 3, batch_messages: 1 });
    await producer.start();
    producer.offer(offerOf('bad', 'good'));
    await producer.flush(60_000);
    assert.deepEqual(peer.received, ['good']);
    assert.equal(producer.counters.failed, 2);
    assert.equal(producer.counters.retried, 4);
    await producer.stop(1000);
  });

  test('messages that the peer refuses are failed, others of the batch are delivered', async () => {
    const peer = new FakePeer();
    const error = new Error('too large');
    peer.onSend = async (batch) =>
      batch.ends.length === 3 ? { refused: [1], again: [2], error } : undefined;
    const producer = producerFor(peer);
    await producer.start();
    producer.offer(offerOf('a', 'b', 'c'));
    await producer.flush(60_000);
    assert.deepEqual(peer.received, ['a', 'c']);
    assert.deepEqual([producer.counters.delivered, producer.counters.failed], [4, 2]);
    await producer.stop(1000);
  });

  test('stops in time with a peer that hangs everywhere', async () => {
    const peer = new FakePeer();
    peer.onSend = () => new Promise(() => undefined);
    peer.close = () => new Promise(() => undefined);
    const producer = producerFor(peer);
    await producer.start();
    producer.offer(offerOf('a'));
    await producer.stop(100);
    assert.equal(producer.counters.failed, 2);
    assertAccounts(producer);
  });

  test('D5: accounts hold at any time, and order over failures, whatever the peer does', async () => {
    const step = fc.record({
      offers: fc.nat(4),
      fate: fc.constantFrom('ok', 'throw', 'lost', 'again', 'refuse'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const peer = new FakePeer();
        const fates = steps.map(({ fate }) => fate);
        const refused = new Set<string>();
        peer.onSend = async (batch) => {
          assertAccounts(producer);
          const outcome = outcomeOf(fates.shift(), batch, peer);
          for (const index of outcome?.refused ?? []) refused.add(message(batch, index).toString());
          return outcome;
        };
        const producer = producerFor(peer, { batch_messages: 3, retry_delay_max: '1ms' });
        await producer.start();
        let next = 0;
        for (const { offers } of steps) {
          for (let i = 0; i < offers; i++) producer.offer(offerOf(`${next++};`));
          assertAccounts(producer);
          await new Promise(setImmediate);
          assertAccounts(producer);
        }
        await producer.flush(60_000);
        assertAccounts(producer);
        const { queuedRecords, queuedBytes, failed } = producer.counters;
        assert.deepEqual([queuedRecords, queuedBytes, failed], [0, 0, refused.size * 2]);
        const first = new Set(peer.received);
        const wanted = Array.from({ length: next }, (_, i) => `${i};`).filter(
          (text) => !refused.has(text) || first.has(text),
        );
        assert.deepEqual([...first], wanted, 'in order, repeated ones left out');
        await producer.stop(1000);
      }),
      { numRuns: 60 },
    );
  });
});

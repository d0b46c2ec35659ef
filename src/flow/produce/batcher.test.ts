import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import { Batcher, message, pick, weightOf } from './batcher.ts';

const offers = fc.array(
  fc.record({
    messages: fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 12 }),
    records: fc.nat(50),
    keyed: fc.boolean(),
    protocol: fc.constantFrom(undefined, 'ipfix' as const, 'sflow' as const),
  }),
  { maxLength: 12 },
);

function encoded(
  messages: readonly Uint8Array[],
  records: number,
  key?: string,
  protocol?: 'ipfix' | 'sflow',
) {
  let end = 0;
  const batch: EncodedBatch = {
    bytes: Buffer.concat(messages),
    ends: Uint32Array.from(messages, ({ length }) => (end += length)),
    records,
    ...(key !== undefined && { keys: messages.map(() => Buffer.from(key)) }),
    ...(protocol && { protocol }),
  };
  return batch;
}

function messagesOf(batch: EncodedBatch): string[] {
  return Array.from(
    batch.ends.keys(),
    (i) => `${batch.keys?.[i] ?? ''}:${message(batch, i).toString('hex')}`,
  );
}

test('batches have every message, key and record of what was offered, in order, within the limits', () => {
  fc.assert(
    fc.property(
      offers,
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 8 }),
      (given, bytes, messages) => {
        const closed: EncodedBatch[] = [];
        const batcher = new Batcher({ bytes, messages, byProtocol: false }, (batch) =>
          closed.push(batch),
        );
        const all = given.map((offer, i) =>
          encoded(offer.messages, offer.records, offer.keyed ? `k${i}` : undefined),
        );
        for (const offer of all) batcher.add(offer);
        batcher.close();
        assert.deepEqual(closed.flatMap(messagesOf), all.flatMap(messagesOf));
        const sum = (of: (batch: EncodedBatch) => number, list: EncodedBatch[]) =>
          list.reduce((n, b) => n + of(b), 0);
        assert.equal(
          sum((b) => b.records, closed),
          sum((b) => b.records, all),
        );
        assert.equal(sum(weightOf, closed), sum(weightOf, all));
        for (const batch of closed) {
          assert.ok(batch.ends.length <= messages);
          assert.ok(batch.bytes.length <= bytes || batch.ends.length === 1);
        }
      },
    ),
  );
});

test('where the protocol is part of the place, batches are of one each', () => {
  fc.assert(
    fc.property(offers, (given) => {
      const closed: EncodedBatch[] = [];
      const batcher = new Batcher({ bytes: 1000, messages: 100, byProtocol: true }, (batch) =>
        closed.push(batch),
      );
      for (const { messages, records, protocol } of given) {
        batcher.add(encoded(messages, records, undefined, protocol));
      }
      batcher.close();
      const of = (protocol?: string) =>
        closed.filter((b) => b.protocol === protocol).flatMap(messagesOf);
      for (const protocol of [undefined, 'ipfix', 'sflow'] as const) {
        const wanted = given.filter((offer) => offer.protocol === protocol);
        assert.deepEqual(
          of(protocol),
          wanted.flatMap(({ messages }) => messagesOf(encoded(messages, 0))),
        );
      }
    }),
  );
});

test('a batch does not share memory with what was offered', () => {
  const closed: EncodedBatch[] = [];
  const batcher = new Batcher({ bytes: 1000, messages: 100, byProtocol: false }, (batch) =>
    closed.push(batch),
  );
  const offer = encoded([Buffer.from('abc')], 1);
  batcher.add(offer);
  offer.bytes.fill(0);
  offer.ends.fill(0);
  batcher.close();
  assert.deepEqual(
    closed.map((batch) => message(batch, 0).toString()),
    ['abc'],
  );
});

test('parts of a batch add up to its records', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 5 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(
      messages,
      fc.nat(100),
      fc.array(fc.nat(2), { minLength: 20, maxLength: 20 }),
      (texts, records, parts) => {
        const batch = encoded(texts, records, 'k');
        const indexes = (part: number) => texts.flatMap((_, i) => (parts[i] === part ? [i] : []));
        const picked = [0, 1, 2].map((part) => pick(batch, indexes(part)));
        assert.equal(
          picked.reduce((sum, part) => sum + part.records, 0),
          records,
        );
        assert.deepEqual(picked.flatMap(messagesOf).sort(), messagesOf(batch).sort());
      },
    ),
  );
});

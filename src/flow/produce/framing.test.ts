import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import { framed } from './framing.ts';

function batchOf(...messages: Buffer[]): EncodedBatch {
  let end = 0;
  const ends = Uint32Array.from(messages, ({ length }) => (end += length));
  return { bytes: Buffer.concat(messages), ends, records: messages.length };
}

test('lines end in one newline each', () => {
  const batch = batchOf(Buffer.from('a'), Buffer.from('b\n'), Buffer.alloc(0), Buffer.from('c'));
  assert.equal(framed(batch, 'lines').toString(), 'a\nb\n\nc\n');
});

test('varints are those of protobuf', () => {
  const batch = batchOf(Buffer.alloc(0), Buffer.alloc(127, 1), Buffer.alloc(300, 2));
  const wanted = [
    Buffer.from([0]),
    Buffer.from([127]),
    Buffer.alloc(127, 1),
    Buffer.from([0xac, 2]),
    Buffer.alloc(300, 2),
  ];
  assert.deepEqual(framed(batch, 'varint'), Buffer.concat(wanted));
});

test('without a choice of the user, messages are framed as their format wants', () => {
  const batch = batchOf(Buffer.from('a'), Buffer.from('b'));
  assert.equal(framed(batch, undefined).toString(), 'a\nb\n');
  assert.equal(framed({ ...batch, framing: 'none' }, undefined).toString(), 'ab');
  assert.equal(framed({ ...batch, framing: 'none' }, 'lines').toString(), 'a\nb\n');
});

test('without framing messages are as they are', () => {
  assert.equal(framed(batchOf(Buffer.from('a'), Buffer.from('b')), 'none').toString(), 'ab');
});

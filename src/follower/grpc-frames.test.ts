import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader, frameMessage } from './grpc-frames.ts';

test('messages come out as they went in, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 }),
      (messages, cuts) => {
        const bytes = Buffer.concat(messages.map((message) => frameMessage(Buffer.from(message))));
        const reader = new FrameReader(100);
        const found: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          found.push(...reader.push(bytes.subarray(at, at + size)));
          at += size;
        }
        assert.deepEqual(
          found.map((message) => [...message]),
          messages.map((message) => [...message]),
        );
      },
    ),
  );
});

test('a compressed message and one beyond the limit are refused by their header alone', () => {
  assert.throws(() => new FrameReader(9).push(Buffer.from([1, 0, 0, 0, 1])), /compressed/);
  assert.throws(() => new FrameReader(9).push(Buffer.from([0, 0, 0, 0, 10])), /10 bytes/);
  assert.deepEqual(new FrameReader(9).push(Buffer.from([0, 0, 0, 0, 9])), []);
});

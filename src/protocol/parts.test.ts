import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_SLOTS_PER_RULE_SET } from '../model/limits.ts';
import { PartCollector, splitMessage } from './parts.ts';

/** A field with number and length-delimited contents. */
function field(number: number, contents: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(contents.length), contents]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

test('parts are cut between fields and together are the message', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(lengths, (fieldLengths) => {
      const fields = fieldLengths.map((length, i) => field((i % 2) + 1, Buffer.alloc(length, i)));
      const message = Buffer.concat(fields);
      const parts = [...splitMessage(message)];
      assert.deepEqual(Buffer.concat(parts), message);
      const ends = new Set<number>();
      fields.reduce((end, { length }) => {
        ends.add(end + length);
        return end + length;
      }, 0);
      parts.reduce((end, { length }) => {
        assert.ok(ends.has(end + length));
        return end + length;
      }, 0);
      assert.ok(parts.every((part) => part.length < 128 * 1024));
    }),
  );
});

test('an empty message is one empty part', () => {
  assert.deepEqual([...splitMessage(Buffer.alloc(0))], [Buffer.alloc(0)]);
});

test('a large request that is no message is refused, whatever its bytes', () => {
  const good = field(1, Buffer.alloc(100_000));
  const bad = {
    'a group, which proto3 has not': Buffer.alloc(100_000, 0x0b),
    'no type of the wire': Buffer.alloc(100_000, 0x0f),
    'number beyond the end': Buffer.concat([good, Buffer.from([0x08])]),
    'fixed number beyond the end': Buffer.concat([good, Buffer.from([0x09, 1, 2, 3, 4, 5, 6, 7])]),
    'number of 71 bits': Buffer.concat([good, Buffer.from([0x08]), Buffer.alloc(10, 0x80), good]),
    'endless number': Buffer.alloc(100_000, 0xff),
    'length beyond the end': Buffer.concat([good, Buffer.from([0x0a, 0x05, 0x00])]),
    'tag without length': Buffer.concat([good, Buffer.from([0x0a])]),
    'length of 34 bits': Buffer.concat([good, Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x3f])]),
  };
  for (const [name, bytes] of Object.entries(bad)) {
    assert.throws(() => [...splitMessage(bytes)], { code: 'INVALID_INPUT' }, name);
  }
});

test('field number 0 is none, in a small request as in a large one: zeros do not replace all rules by nothing', () => {
  const good = field(1, Buffer.alloc(100));
  const zeros = [Buffer.alloc(2), Buffer.alloc(100_000), Buffer.concat([good, Buffer.alloc(2)])];
  for (const bytes of [...zeros, field(0, Buffer.alloc(5))]) {
    assert.throws(() => [...splitMessage(bytes)], { code: 'INVALID_INPUT', message: /at byte/ });
  }
});

test('numbers of a later version are passed over in a large request as they are in a small one', () => {
  const numbers = [
    Buffer.from([0x78, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
    Buffer.from([0x79, 1, 2, 3, 4, 5, 6, 7, 8]),
    Buffer.from([0x7d, 1, 2, 3, 4]),
    Buffer.from([0x78, 0]),
  ];
  const message = Buffer.concat(numbers.flatMap((n) => [field(1, Buffer.alloc(70_000)), n]));
  const parts = [...splitMessage(message)];
  assert.deepEqual(Buffer.concat(parts), message);
  assert.equal(parts.length, numbers.length + 1);
});

test('V6: a field that no rule can need is refused before it is decoded', () => {
  const bytes = field(1, Buffer.alloc(1024 * 1024 + 1));
  assert.throws(() => [...splitMessage(bytes)], {
    code: 'LIMIT_EXCEEDED',
    message: /1048577 bytes/,
  });
});

test('V6: items are counted at every depth over all parts', () => {
  const collector = new PartCollector(MAX_SLOTS_PER_RULE_SET);
  const outputs = Array.from({ length: 999 }, () => ({ collectors: [] }));
  const part = { rules: Array.from({ length: 1000 }, () => ({ outputs })) };
  for (let i = 0; i < 4; i++) collector.add(part);
  assert.throws(() => collector.add({ defaultOutputs: [{ collectors: [{}] }] }), {
    code: 'LIMIT_EXCEEDED',
    message: /4000000/,
  });
});

test('lists of the parts are joined in order', () => {
  const collector = new PartCollector(MAX_SLOTS_PER_RULE_SET);
  collector.add({ rules: [{ a: 1 }], defaultOutputs: [] });
  collector.add({ rules: [{ a: 2 }], defaultOutputs: [{ b: 3 }] });
  assert.deepEqual(collector.message(), {
    rules: [{ a: 1 }, { a: 2 }],
    defaultOutputs: [{ b: 3 }],
  });
});

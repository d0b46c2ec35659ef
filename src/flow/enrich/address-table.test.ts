import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressTable } from './address-table.ts';
import { formatWords, Prefixes, parseWords } from './address-words.ts';

function wordsOf(number: number): Uint32Array {
  return Uint32Array.of(0, 0, 0xffff, number);
}

test('it finds what a map finds, also when addresses differ in any word', () => {
  const word = fc.constantFrom(0, 1, 0xffff_ffff);
  const address = fc.tuple(word, word, word, word);
  fc.assert(
    fc.property(fc.array(address, { maxLength: 81 }), (addresses) => {
      const table = new AddressTable<string>(1000);
      const map = new Map<string, string>();
      for (const words of addresses) {
        const key = words.join();
        if (!map.has(key)) table.add(Uint32Array.from(words), 0, key);
        map.set(key, key);
        assert.equal(table.get(Uint32Array.of(9, ...words), 1), key);
      }
      assert.equal(table.size, map.size);
      assert.deepEqual([...table.values()].toSorted(), [...map.values()].toSorted());
    }),
  );
});

test('beyond its limit go those that nobody has looked up for the longest time', () => {
  const dropped: number[] = [];
  const table = new AddressTable<number>(100, (value) => dropped.push(value));
  table.add(wordsOf(7), 0, 7);
  for (let i = 1000; i < 11_000; i++) {
    table.add(wordsOf(i), 0, i);
    assert.equal(table.get(wordsOf(7)), 7);
    assert.ok(table.size <= 101);
  }
  assert.equal(table.get(wordsOf(1000)), undefined);
  assert.equal(dropped.length + table.size, 10_001);
});

test('prefixes hold their addresses and no others, of both families', () => {
  const prefixes = new Prefixes(['192.0.2.0/25', '2001:db8::/33', '198.51.100.7']);
  const has = (text: string) => prefixes.has(parseWords(text) ?? new Uint32Array(4));
  const inside = ['192.0.2.0', '192.0.2.127', '2001:db8:7fff::1', '198.51.100.7'];
  const outside = ['192.0.2.128', '192.0.1.255', '2001:db8:8000::', '::', '198.51.100.6'];
  assert.deepEqual(inside.map(has), [true, true, true, true]);
  assert.deepEqual(outside.map(has), [false, false, false, false, false]);
  assert.throws(() => new Prefixes(['192.0.2.0/33']), /no prefix/);
  assert.throws(() => new Prefixes(['router/8']), /no prefix/);
  assert.ok(new Prefixes(['0.0.0.0/0']).has(wordsOf(1)));
});

test('words are printed as they are read', () => {
  for (const text of ['192.0.2.1', '2001:db8::1', '::', '255.255.255.255']) {
    assert.equal(formatWords(parseWords(text) ?? new Uint32Array(4)), text);
  }
});

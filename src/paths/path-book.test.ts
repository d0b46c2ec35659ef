import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATHS } from '../native/paths-layout.ts';
import { PathBook } from './path-book.ts';
import { RowRuns } from './row-runs.ts';

const address = (i: number) => Uint8Array.of(10, i >> 16, (i >> 8) & 255, i & 255);

function makeBook() {
  let full = 0;
  const book = new PathBook(
    new RowRuns(() => {
      full++;
    }),
  );
  return { book, full: () => full };
}

test('R28: an address keeps its index until a table that was made without it is in force', () => {
  const { book } = makeBook();
  const [one, two] = [book.indexOf(address(1)), book.indexOf(address(2))];
  assert.deepEqual([one, two], [1, 2], 'row 0 is the header');
  book.renew();
  assert.equal(book.indexOf(address(2)), two);
  const three = book.indexOf(address(3));
  assert.ok(three !== one && three !== two, 'packets may still be moved by the table before');
  const gone: number[] = [];
  book.listen((paths) => gone.push(...paths.map(({ index }) => index)));
  book.settle();
  assert.deepEqual(gone, [one]);
  assert.equal(book.find(address(1)), undefined);
  assert.equal(book.indexOf(address(4)), one, 'now it is free');
  book.settle();
  assert.equal(book.size, 3, 'what was asked for since a table was made stays');
});

test('an IPv4 and an IPv6 address of the same octets are two', () => {
  const { book } = makeBook();
  const ipv6 = new Uint8Array(16);
  ipv6.set(address(1));
  assert.notEqual(book.indexOf(address(1)), book.indexOf(ipv6));
});

test('R28: when all rows are taken, further addresses have none, and that is told once', () => {
  const { book, full } = makeBook();
  for (let i = 1; i < PATHS.MAX; i++) assert.equal(book.indexOf(address(i)), i);
  assert.equal(book.indexOf(address(PATHS.MAX)), 0);
  assert.equal(book.indexOf(address(PATHS.MAX + 1)), 0);
  assert.equal(full(), 1);
  assert.equal(book.indexOf(address(5)), 5);
});

import assert from 'node:assert/strict';
import { openSync, writeSync } from 'node:fs';
import { after, test } from 'node:test';
import { PathTableReader } from '../../test/support/path-table.ts';
import { mapMemory } from '../native/memory.ts';
import { PATH, PATHS } from '../native/paths-layout.ts';
import { HopGroups } from './hop-groups.ts';
import { PathMemory, type PathRow } from './path-memory.ts';
import { PathRows } from './path-rows.ts';
import { RowRuns } from './row-runs.ts';

const memory = new PathMemory();
const reader = new PathTableReader(memory.readOnlyFd);
after(() => memory.close());

const frame = (to: number, from = 0xaa) =>
  Uint8Array.of(2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 0x08, 0x00);
const row = (to: number, more: Partial<PathRow> = {}): PathRow => ({
  link: 3,
  mtu: 1500,
  frame: frame(to),
  ...more,
});
const text = (to: number) => ({
  link: 3,
  mtu: 1500,
  to: `02:00:00:00:00:${to.toString(16).padStart(2, '0')}`,
  from: '02:00:00:00:00:aa',
  etherType: 0x0800,
});

test('R28: the header says what it is, who may make frames, and when control has looked', () => {
  assert.deepEqual(reader.header, {
    magic: PATHS.MAGIC,
    layout: PATHS.LAYOUT,
    users: 0,
    lookedMs: 0,
  });
  memory.users = PATHS.SENDER;
  memory.looked();
  const nowMs = Number(process.hrtime.bigint() / 1_000_000n);
  const { users, lookedMs } = reader.header;
  assert.equal(users, PATHS.SENDER);
  assert.ok(lookedMs <= nowMs && lookedMs > nowMs - 60_000);
});

test('R28: a row says what was written, and nothing once it is cleared', () => {
  assert.equal(reader.row(7), null);
  memory.write(7, row(1));
  memory.write(8, row(2, { link: 4, mtu: 9000, hops: { first: 9, count: 2 } }));
  assert.deepEqual(reader.row(7), text(1));
  assert.deepEqual(reader.row(8), { ...text(2), link: 4, mtu: 9000, hops: [null, null] });
  memory.write(PATHS.MAX - 1, row(3));
  assert.deepEqual(reader.row(PATHS.MAX - 1), text(3), 'the last one too');
  memory.write(8, row(4));
  assert.deepEqual(reader.row(8), text(4), 'hops go as well');
  memory.clear(7);
  assert.equal(reader.row(7), null);
  assert.deepEqual(reader.row(8), text(4));
});

test('who reads it cannot write it', () => {
  assert.throws(() => mapMemory(memory.readOnlyFd, PATHS.MAX * PATH.SIZE, true), /EACCES|EPERM/);
  const again = openSync(`/proc/self/fd/${memory.readOnlyFd}`, 'r+');
  assert.throws(() => writeSync(again, Buffer.from('x')), /EPERM/);
});

test('R28: addresses with the same next hops share their rows, which rest before others get them', () => {
  let nowMs = 0;
  const groups = new HopGroups(memory, new RowRuns(assert.fail), () => nowMs);
  const hops = [row(1), undefined, row(2)];
  const first = groups.take(hops);
  assert.deepEqual(first, { first: 1, count: 3 });
  assert.deepEqual(groups.take([...hops]), first);
  assert.deepEqual(
    [1, 2, 3].map((i) => reader.row(i)),
    [text(1), null, text(2)],
  );
  assert.deepEqual(groups.take([row(1), row(3), row(2)]), { first: 4, count: 3 });
  groups.release(hops);
  groups.release(hops);
  nowMs = 9_999;
  assert.deepEqual(groups.take([row(5), row(6), row(7)]), { first: 7, count: 3 });
  assert.deepEqual(reader.row(1), text(1), 'who has read the row of an address may read it yet');
  nowMs = 10_000;
  assert.deepEqual(groups.take([row(8), undefined, row(9)]), { first: 1, count: 3 });
  assert.deepEqual(
    [1, 2, 3].map((i) => reader.row(i)),
    [text(8), null, text(9)],
  );
});

test('R28: without room for its next hops an address has no path', () => {
  const rows = new RowRuns(() => undefined);
  rows.take(PATHS.MAX - 3);
  const writer = new PathRows(memory, rows);
  assert.equal(writer.write(5, [row(1), row(2)]), undefined);
  assert.equal(reader.row(5)?.hops?.length, 2);
  assert.equal(writer.write(5, [row(1), row(3)]), 'no room');
  assert.equal(reader.row(5), null);
  assert.equal(writer.write(5, [row(3)]), undefined);
  assert.deepEqual(reader.row(5), text(3));
  writer.clear(5);
  assert.equal(reader.row(5), null);
});

test('R28: rows of next hops that are used no more come back', () => {
  let nowMs = 0;
  const rows = new RowRuns(() => undefined);
  rows.take(PATHS.MAX - 5);
  const writer = new PathRows(memory, rows, () => nowMs);
  for (let i = 1; i < 20; i++) {
    assert.equal(writer.write(5, [row(i), row(i + 1)]), undefined);
    if (i % 3 === 0) writer.clear(5);
    nowMs += 10_000;
  }
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { AutoSize } from './auto-size.ts';
import { Places } from './places.ts';

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-places-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('pipelines keep their places, also over restarts; those that were away begin anew', (t) => {
  const folder = makeFolder(t);
  const places = new Places(folder);
  const first = places.assign(['a', 'b']);
  assert.deepEqual([first.get('a')?.index, first.get('b')?.index], [0, 1]);
  const again = new Places(folder);
  const second = again.assign(['b', 'c']);
  assert.deepEqual(second.get('b'), first.get('b'));
  assert.equal(second.get('c')?.index, 0);
  assert.notEqual(second.get('c')?.owner, first.get('a')?.owner);
  const third = again.assign(['a', 'b', 'c']);
  assert.equal(third.get('a')?.index, 2);
  assert.notEqual(third.get('a')?.owner, first.get('a')?.owner);
});

test('a file of places that makes no sense is none', (t) => {
  for (const text of [
    '{',
    '[]',
    '{"a":{"index":99,"owner":1}}',
    '{"a":{"index":0,"owner":1},"b":{"index":0,"owner":2}}',
  ]) {
    const folder = makeFolder(t);
    writeFileSync(path.join(folder, 'places.json'), text);
    assert.equal(new Places(folder).assign(['x']).get('x')?.index, 0);
  }
});

test('there are 32 places', (t) => {
  const names = Array.from({ length: 32 }, (_, i) => `p${i}`);
  const places = new Places(makeFolder(t));
  assert.equal(places.assign(names).size, 32);
  assert.throws(() => places.assign([...names, 'more']), /more than 32/);
});

/** Looks once a second. @returns how many workers there were after each look */
function follow(size: AutoSize, loads: readonly { lag: number; busy: number }[], from = 1) {
  let workers = from;
  let busyMs = 0;
  return loads.map(({ lag, busy }, second) => {
    busyMs += busy * 1000;
    workers = size.look({ lag, busyMs }, workers, second * 1000);
    return workers;
  });
}

test('workers that do not keep up are doubled, up to the limit', () => {
  const lagging = Array.from({ length: 30 }, () => ({ lag: 100_000, busy: 1 }));
  const counts = follow(new AutoSize(6), lagging);
  assert.deepEqual(counts.slice(0, 3), [1, 1, 2]);
  assert.equal(counts.at(-1), 6);
  assert.deepEqual([...new Set(counts)], [1, 2, 4, 6]);
});

test('a short lag changes nothing', () => {
  const loads = Array.from({ length: 60 }, (_, i) => ({
    lag: i % 3 === 0 ? 0 : 100_000,
    busy: 0.9,
  }));
  assert.deepEqual([...new Set(follow(new AutoSize(8), loads))], [1]);
});

test('workers that are idle for a minute go, one by one, and one stays', () => {
  const idle = Array.from({ length: 300 }, () => ({ lag: 0, busy: 0.1 }));
  const counts = follow(new AutoSize(8), idle, 4);
  assert.equal(counts[50], 4);
  assert.deepEqual([...new Set(counts)], [4, 3, 2, 1]);
});

test('workers that are needed stay', () => {
  const busy = Array.from({ length: 300 }, () => ({ lag: 10, busy: 1.6 }));
  assert.deepEqual([...new Set(follow(new AutoSize(8), busy, 4))], [4]);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { AutoSize } from './auto-size.ts';
import { Owners } from './owners.ts';

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-owners-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('pipelines keep their owners, also over restarts; those that were away get others', (t) => {
  const folder = makeFolder(t);
  const first = new Owners(folder).of(['a', 'b']);
  const again = new Owners(folder);
  const second = again.of(['b', 'c']);
  assert.equal(second.get('b'), first.get('b'));
  const third = again.of(['a', 'b', 'c']);
  assert.notEqual(third.get('a'), first.get('a'));
  assert.equal(third.get('c'), second.get('c'));
  assert.equal(new Set(third.values()).size, 3);
  again.forget('b');
  assert.notEqual(new Owners(folder).of(['b']).get('b'), third.get('b'));
});

test('a file of owners that makes no sense holds none', (t) => {
  for (const text of ['{', '[]', '{"a":-1}', '{"a":"x"}']) {
    const folder = makeFolder(t);
    writeFileSync(path.join(folder, 'owners.json'), text);
    assert.equal(new Owners(folder).of(['x']).size, 1);
  }
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

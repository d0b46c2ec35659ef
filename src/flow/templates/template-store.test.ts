import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import pino from 'pino';
import { NetflowDecoding } from '../../../test/support/netflow-decoding.ts';
import {
  ipfixMessage,
  ipfixOptionsTemplate,
  ipfixTemplate,
  set,
  u32,
} from '../../../test/support/netflow-writer.ts';
import { TemplateStore, type TemplateStoreOptions } from './template-store.ts';

const log = pino({ enabled: false });
const DAY_MS = 86_400_000;
const START_MS = 1_700_000_000_000;

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'floxy-templates-'));
  readonly file = join(this.path, 'templates.db');

  open(options: Partial<TemplateStoreOptions> = {}): TemplateStore {
    return new TemplateStore({ path: this.file, log, now: () => START_MS, ...options });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

const TEMPLATE = ipfixMessage([set(2, ipfixTemplate(300, [[2, 4]]))]);
const OTHER = ipfixMessage([set(2, ipfixTemplate(300, [[1, 4]]))]);
const WITHDRAWAL = ipfixMessage([set(2, ipfixTemplate(300, []))]);
const DATA = ipfixMessage([set(300, u32(7))]);
const FROM = { port: 1000 };

/** What a worker that has just started makes of data whose template came before. */
function packetsOfNewWorker(keeper: TemplateStore, from = FROM) {
  return new NetflowDecoding({ keeper }).decode([DATA], from).map(({ packets }) => packets);
}

test('D4: a worker that starts anew decodes by the templates that another one has learnt', () => {
  using folder = new Folder();
  const first = folder.open();
  const second = folder.open();
  new NetflowDecoding({ keeper: first }).decode([TEMPLATE], FROM);
  assert.deepEqual(packetsOfNewWorker(second), [], 'not written yet');
  first.flush();
  second.flush();
  assert.deepEqual(packetsOfNewWorker(second), [7n]);
  assert.deepEqual(packetsOfNewWorker(second, { port: 2000 }), [7n], 'from another port');
  first.stop();
  second.stop();
  const third = folder.open();
  assert.deepEqual(packetsOfNewWorker(third), [7n], 'after a restart');
  third.stop();
});

test('the newest template counts, and one that was withdrawn does not', () => {
  using folder = new Folder();
  let nowMs = START_MS;
  const store = folder.open({ now: () => nowMs++ });
  const decoding = new NetflowDecoding({ keeper: store });
  decoding.decode([TEMPLATE, OTHER], FROM);
  store.flush();
  const [row] = new NetflowDecoding({ keeper: store }).decode([DATA], FROM);
  assert.equal(row?.bytes, 7n);
  decoding.decode([WITHDRAWAL], FROM);
  store.flush();
  assert.deepEqual(packetsOfNewWorker(store), []);
  store.stop();
});

test('what was not heard of for a week is forgotten', () => {
  using folder = new Folder();
  let nowMs = START_MS;
  const store = folder.open({ now: () => nowMs });
  new NetflowDecoding({ keeper: store }).decode([TEMPLATE], FROM);
  store.flush();
  nowMs += 7 * DAY_MS;
  assert.deepEqual(packetsOfNewWorker(store), [7n]);
  nowMs += 1;
  assert.deepEqual(packetsOfNewWorker(store), []);
  store.flush();
  assert.deepEqual(store.changesSince(0), []);
  store.stop();
});

test('sampling rates and names of interfaces are there before options come again', () => {
  using folder = new Folder();
  const store = folder.open();
  const options = ipfixMessage([
    set(3, [
      ...ipfixOptionsTemplate(400, 1, [
        [302, 4],
        [34, 4],
      ]),
      ...ipfixOptionsTemplate(401, 1, [
        [10, 4],
        [82, 8],
      ]),
    ]),
    set(400, [...u32(1), ...u32(1000)]),
    set(401, [...u32(3), ...Buffer.from('ge-0/0/3')]),
  ]);
  new NetflowDecoding({ keeper: store }).decode([TEMPLATE, options], FROM);
  store.flush();
  const told: unknown[] = [];
  const names = {
    interfaceNamed: (...[address, index, name]: [Uint32Array, number, string, string]) =>
      void told.push([[...address], index, name]),
  };
  const [row] = new NetflowDecoding({ keeper: store, names }).decode([DATA], FROM);
  assert.equal(row?.samplingRate, 1000);
  assert.deepEqual(told, [[[0, 0, 0xffff, 0xc000_0201], 3, 'ge-0/0/3']]);
  store.stop();
});

test('a damaged database is set aside, and kept', () => {
  using folder = new Folder();
  writeFileSync(folder.file, 'this is no database, and longer than the header of one: '.repeat(40));
  const store = folder.open();
  new NetflowDecoding({ keeper: store }).decode([TEMPLATE], FROM);
  store.flush();
  assert.deepEqual(packetsOfNewWorker(store), [7n]);
  store.stop();
  assert.equal(readdirSync(folder.path).filter((name) => name.includes('.unreadable-')).length, 1);
});

test('a database that was removed under a worker is made anew', () => {
  using folder = new Folder();
  const store = folder.open();
  for (const name of readdirSync(folder.path)) rmSync(join(folder.path, name));
  new NetflowDecoding({ keeper: store }).decode([TEMPLATE], FROM);
  assert.ok(store.flush());
  const other = folder.open();
  assert.deepEqual(packetsOfNewWorker(other), [7n]);
  other.stop();
  store.stop();
});

test('other nodes take over what has changed, once, and the later of two', () => {
  using folder = new Folder();
  using elsewhere = new Folder();
  let nowMs = START_MS;
  const store = folder.open({ now: () => nowMs });
  const other = elsewhere.open({ now: () => nowMs });
  new NetflowDecoding({ keeper: store }).decode([TEMPLATE], FROM);
  store.flush();
  const changes = store.changesSince(0);
  assert.equal(changes.length, 1);
  other.apply(changes);
  assert.deepEqual(packetsOfNewWorker(other), [7n]);
  assert.deepEqual(store.changesSince(changes[0]?.change ?? 0), []);
  // It comes back: that is no change.
  const last = store.lastChange;
  store.apply(other.changesSince(0));
  assert.deepEqual(store.changesSince(last), []);
  // The other node has heard of a later one, and this one tells the older again.
  nowMs += 1000;
  new NetflowDecoding({ keeper: other }).decode([OTHER], FROM);
  other.flush();
  other.apply(changes);
  const [row] = new NetflowDecoding({ keeper: other }).decode([DATA], FROM);
  assert.equal(row?.bytes, 7n);
  store.stop();
  other.stop();
});

test('changes come in portions, and all of them', () => {
  using folder = new Folder();
  const store = folder.open();
  const decoding = new NetflowDecoding({ keeper: store });
  const templates = Array.from({ length: 250 }, (_, i) => ipfixTemplate(300 + i, [[2, 4]]));
  decoding.decode([ipfixMessage([set(2, templates.flat())])], FROM);
  store.flush();
  const ids: number[] = [];
  for (let since = 0; ; ) {
    const changes = store.changesSince(since, 60);
    if (changes.length === 0) break;
    since = changes.at(-1)?.change ?? since;
    ids.push(...changes.map((change) => (change.what === 'template' ? change.templateId : 0)));
  }
  assert.deepEqual(
    ids.sort((a, b) => a - b),
    templates.map((_, i) => 300 + i),
  );
  store.stop();
});

test('while another process writes nothing is lost: it is written later', () => {
  using folder = new Folder();
  const store = folder.open();
  const writer = new SqliteDatabase(folder.file);
  writer.exec('BEGIN IMMEDIATE');
  new NetflowDecoding({ keeper: store }).decode([TEMPLATE], FROM);
  assert.equal(store.flush(), false);
  assert.deepEqual(packetsOfNewWorker(store), []);
  writer.exec('COMMIT');
  writer.close();
  assert.equal(store.flush(), true);
  assert.deepEqual(packetsOfNewWorker(store), [7n]);
  assert.equal(store.counters.dropped, 0);
  store.stop();
});

test('strangers leave room on the disk, and those that have sent for a while stay', () => {
  using folder = new Folder();
  let nowMs = START_MS;
  const store = folder.open({ now: () => nowMs });
  const decoding = new NetflowDecoding({ keeper: store });
  // Three datagrams over more than a second.
  for (const receivedMs of [START_MS, START_MS + 1000, START_MS + 2000]) {
    decoding.decode([TEMPLATE], { ...FROM, receivedMs });
  }
  for (let i = 0; i < 30_000; i++) {
    const source = [0, 0, 0xffff, 0x0a00_0000 + i];
    decoding.decode([TEMPLATE], { source, receivedMs: START_MS + 3000 + i });
    if (i % 1000 === 0)
      while (store.counters.written + store.counters.dropped < i && store.flush());
    nowMs = START_MS + 3000 + i * 10;
  }
  nowMs += 600_000;
  for (let i = 0; i < 40; i++) store.flush();
  nowMs += 600_000;
  for (let i = 0; i < 40; i++) store.flush();
  const kept = store.changesSince(0, 100_000);
  assert.ok(kept.length <= 20_001, `${kept.length} rows`);
  assert.deepEqual(packetsOfNewWorker(store), [7n]);
  store.stop();
});

test('data that waits is decoded when another worker or node has told its template', () => {
  using folder = new Folder();
  let nowMs = START_MS;
  const store = folder.open({ now: () => nowMs });
  const waiting = new NetflowDecoding({ keeper: store });
  assert.deepEqual(waiting.decode([DATA], { ...FROM, receivedMs: nowMs }), []);
  new NetflowDecoding({ keeper: store }).decode([TEMPLATE], FROM);
  store.flush();
  nowMs += 10_000;
  assert.equal(waiting.decode([DATA], { ...FROM, receivedMs: nowMs }).length, 2);
  assert.equal(waiting.counts['pendingDecoded'], 1);
  store.stop();
});

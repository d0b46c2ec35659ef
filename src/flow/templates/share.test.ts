import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import pino from 'pino';
import { NetflowDecoding } from '../../../test/support/netflow-decoding.ts';
import { ipfixMessage, ipfixTemplate, set, u32 } from '../../../test/support/netflow-writer.ts';
import { checkPage } from './check-page.ts';
import type { PageStart, SharedChange, TemplateChange } from './kept-change.ts';
import { TemplateStore } from './template-store.ts';

const START_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const FROM = { port: 1000 };
const BEGINNING: PageStart = { epoch: '', since: 0 };
const TEMPLATE = ipfixMessage([set(2, ipfixTemplate(300, [[2, 4]]))]);
const OTHER = ipfixMessage([set(2, ipfixTemplate(300, [[1, 4]]))]);
const DATA = ipfixMessage([set(300, u32(7))]);

/** The store of a node with a clock of its own. */
class Node implements Disposable {
  nowMs = START_MS;
  store: TemplateStore;
  readonly #folder = mkdtempSync(join(tmpdir(), 'floxy-share-'));
  readonly #read = new Map<Node, PageStart>();

  constructor() {
    this.store = this.#open();
  }

  learn(message: Uint8Array): void {
    new NetflowDecoding({ keeper: this.store }).decode([message], FROM);
    this.store.flush();
  }

  /** Takes over what is new at another node. @returns how many changes that were */
  pull(other: Node): number {
    let taken = 0;
    for (;;) {
      const page = other.store.page(this.#read.get(other) ?? BEGINNING);
      assert.ok(page !== undefined);
      const { changes, refused } = checkPage(page);
      assert.equal(refused, 0);
      if (changes.length > 0) assert.ok(this.store.apply(changes));
      this.#read.set(other, { epoch: page.epoch, since: page.next });
      taken += changes.length;
      if (!page.hasMore) return taken;
    }
  }

  /** Its disk is another one. */
  forget(): void {
    this.store.stop();
    rmSync(this.#folder, { recursive: true });
    this.store = this.#open();
  }

  decoded() {
    return new NetflowDecoding({ keeper: this.store }).decode([DATA], FROM);
  }

  [Symbol.dispose](): void {
    this.store.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #open(): TemplateStore {
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, 'templates.db');
    return new TemplateStore({ path, log: pino({ enabled: false }), now: () => this.nowMs });
  }
}

test('D7: what one node has learnt the other decodes by, and nothing goes round between them', () => {
  using a = new Node();
  using b = new Node();
  a.learn(TEMPLATE);
  assert.deepEqual(b.decoded(), []);
  assert.equal(b.pull(a), 1);
  assert.equal(b.decoded()[0]?.packets, 7n);
  assert.deepEqual([a.pull(b), b.pull(a), a.pull(b), b.pull(a)], [1, 0, 0, 0]);
});

test('two that learnt something else at the same moment come to have the same', () => {
  using a = new Node();
  using b = new Node();
  a.learn(TEMPLATE);
  b.learn(OTHER);
  for (let i = 0; i < 3; i++) {
    a.pull(b);
    b.pull(a);
  }
  assert.deepEqual([a.pull(b), b.pull(a)], [0, 0]);
  assert.deepEqual(a.decoded(), b.decoded());
});

test('what an exporter goes on to use is told again, so that other nodes do not forget it', () => {
  using a = new Node();
  using b = new Node();
  a.learn(TEMPLATE);
  b.pull(a);
  for (let days = 0; days < 10; days++) {
    a.nowMs += 24 * HOUR_MS;
    b.nowMs = a.nowMs;
    a.learn(TEMPLATE);
    assert.equal(b.pull(a), 1);
  }
  assert.equal(b.decoded().length, 1);
  a.nowMs += HOUR_MS;
  a.learn(TEMPLATE);
  assert.equal(b.pull(a), 0, 'not every time');
});

test('a clock that is ahead at one node does not keep the other from learning', () => {
  using a = new Node();
  using b = new Node();
  a.nowMs += 24 * HOUR_MS;
  a.learn(TEMPLATE);
  b.pull(a);
  b.nowMs += 1000;
  b.learn(OTHER);
  assert.equal(b.decoded()[0]?.bytes, 7n);
});

test('of a database that has taken the place of another everything is told, whatever was read before', () => {
  using a = new Node();
  using b = new Node();
  a.learn(TEMPLATE);
  a.learn(OTHER);
  b.pull(a);
  a.forget();
  a.nowMs += 1000;
  a.learn(TEMPLATE);
  assert.equal(b.pull(a), 1);
  assert.equal(b.decoded()[0]?.packets, 7n);
});

test('much is told in pages, all of it, and large templates in pages of fewer', () => {
  using a = new Node();
  using b = new Node();
  const fields = (first: number) =>
    Array.from({ length: 300 }, (_, i): [number, number] => [first + i, 4]);
  for (let i = 0; i < 700; i++) {
    a.learn(ipfixMessage([set(2, ipfixTemplate(300 + i, fields(i % 100)))]));
  }
  const first = a.store.page(BEGINNING);
  assert.ok(first?.hasMore);
  const octets = first.changes.reduce(
    (sum, change) => sum + (change.what === 'template' ? change.record.length : 0),
    0,
  );
  assert.ok(octets <= 262_144, `${octets} octets`);
  assert.equal(b.pull(a), 700);
  assert.equal(b.pull(a), 0);
});

const GOOD: TemplateChange = {
  what: 'template',
  change: 1,
  address: Uint8Array.from({ length: 16 }, () => 1),
  seenMs: START_MS,
  trusted: true,
  port: 1,
  version: 10,
  domain: 0,
  templateId: 300,
  kind: 'data',
  record: Uint8Array.from(ipfixTemplate(300, [[2, 4]])),
};

function refusedOf(...changes: readonly unknown[]): number {
  return checkPage({ epoch: 'e', next: 1, hasMore: false, changes }).refused;
}

test('changes that cannot be are left out and counted, and a page that is none is refused', () => {
  assert.equal(refusedOf(GOOD, { ...GOOD, record: new Uint8Array(0) }), 0);
  const rate = { ...GOOD, what: 'rate', key: 1, value: '1000' };
  assert.equal(refusedOf(rate, { ...rate, what: 'interface', value: 'ge-0/0/1' }), 0);
  const bad: unknown[] = [
    undefined,
    { ...GOOD, address: new Uint8Array(4) },
    { ...GOOD, templateId: 301 },
    { ...GOOD, templateId: 2 },
    { ...GOOD, version: 5 },
    { ...GOOD, kind: 'other' },
    { ...GOOD, port: 65_536 },
    { ...GOOD, seenMs: -1 },
    { ...GOOD, record: GOOD.record.subarray(0, 7) },
    { ...GOOD, record: Uint8Array.of(...GOOD.record, 0) },
    { ...GOOD, record: Uint8Array.from(ipfixTemplate(300, [])) },
    { ...rate, value: '0' },
    { ...rate, value: 'many' },
    { ...rate, key: 2 ** 32 },
  ];
  assert.equal(refusedOf(...bad), bad.length);
  for (const page of [undefined, {}, { epoch: '', next: 0, hasMore: false, changes: [] }]) {
    assert.throws(() => checkPage(page), /none/);
  }
});

test('no record that passes is one that a decoder cannot read', () => {
  using node = new Node();
  const record = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc
      .tuple(fc.nat(6), fc.uint8Array({ maxLength: 48 }))
      .map(([count, rest]) => Uint8Array.of(1, 44, 0, count, ...rest)),
  );
  const kind = fc.constantFrom('data', 'options');
  const version = fc.constantFrom(9, 10);
  fc.assert(
    fc.property(record, kind, version, (bytes, kind, version) => {
      const change = { ...GOOD, record: bytes, kind, version, port: FROM.port };
      const { changes } = checkPage({ epoch: 'e', next: 1, hasMore: false, changes: [change] });
      node.nowMs++;
      node.store.apply(
        changes.map((checked): SharedChange => ({ ...checked, seenMs: node.nowMs })),
      );
      node.decoded();
    }),
  );
});

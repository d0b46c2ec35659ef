/** What every kind of producers has to do, whatever its protocol. A kind of one's own is held to it the same way. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { EncodedBatch } from '../../src/flow/model/encoded-batch.ts';
import type { Producer, ProducerKind } from '../../src/flow/model/producer.ts';
import { waitFor } from '../lab/shell.ts';

/** Flow records of each message. */
const RECORDS = 3;
const KEYS = 5;
const STOP_MS = 2000;
/** Memory that a queue of so many octets may take in all: batches that grow, copies that are being sent, garbage. */
const QUEUE_BYTES = 2 * 1024 * 1024;
const MEMORY_BYTES = 64 * 1024 * 1024;

/** The other side, which a test starts and kills. It is down at first. */
export interface TestPeer extends AsyncDisposable {
  /** Options of the producer that lead to it. */
  readonly options: Record<string, unknown>;
  /** A folder for the producer's spool. */
  readonly spoolFolder?: string;
  /** Begins to serve, at the same address each time. */
  up(): Promise<void>;
  /** Dies, as by kill -9. What it has received is kept. */
  down(): Promise<void>;
  /** Stops to read without closing anything, until it is `up` or `down`; absent where there is no such thing. */
  stall?(): Promise<void>;
  /** All messages that came, in the order of their arrival. */
  received(): Promise<readonly string[]>;
}

export interface ConformanceCase {
  readonly title: string;
  readonly kind: ProducerKind<unknown>;
  makePeer(): Promise<TestPeer>;
  /**
   * Who says that something is delivered: the peer, or only the connection (what is under way may be lost with it), or
   * nobody (what is sent to nowhere is lost).
   */
  readonly acknowledged: 'by peer' | 'by connection' | 'by nobody';
  readonly skip?: string | false;
}

/** Registers the tests. */
export function describeConformance(kind: ConformanceCase): void {
  describe(`${kind.title} conforms`, { skip: kind.skip ?? false }, () => {
    test('what is offered arrives, all of it, in the order of each key', () => deliversAll(kind));
    test('a peer that is not there at the start is a state; what waits arrives when it comes', () =>
      startsWithoutPeer(kind));
    test('with a dead peer memory is bounded, and what has no room is dropped and counted', () =>
      boundsMemory(kind));
    test('a peer that dies again and again: order and accounts hold at all times', () =>
      survivesDeaths(kind));
    test('it stops within the deadline, with a peer, without one, and with one that hangs', () =>
      stopsInTime(kind));
    test('a flood faster than the peer: what is not dropped arrives', () => standsFlood(kind));
  });
}

async function deliversAll(kind: ConformanceCase): Promise<void> {
  await using run = await Run.start(kind);
  await run.peer.up();
  for (let i = 0; i < 50; i++) run.offer(i % 7 === 0 ? 1 : 20);
  await run.finish();
  await run.assertArrived();
  assert.deepEqual(run.producer.status, { state: 'ok' });
  const { failed, dropped } = run.producer.counters;
  assert.deepEqual({ failed, dropped }, { failed: 0, dropped: 0 });
}

async function startsWithoutPeer(kind: ConformanceCase): Promise<void> {
  await using run = await Run.start(kind);
  for (let i = 0; i < 10; i++) run.offer(10);
  await run.untilFailing();
  assert.ok((run.producer.status.error ?? '').length > 10, 'it says what is wrong');
  assert.equal(run.producer.counters.failed, 0);
  await run.peer.up();
  await run.finish();
  if (kind.acknowledged === 'by nobody') await run.assertOrder();
  else await run.assertArrived();
  assert.deepEqual(run.producer.status, { state: 'ok' });
}

async function boundsMemory(kind: ConformanceCase): Promise<void> {
  await using run = await Run.start(kind, { queue_bytes: QUEUE_BYTES });
  const before = process.memoryUsage();
  const padding = 'x'.repeat(1000);
  for (let i = 0; i < 400; i++) {
    run.offer(100, padding);
    assert.ok(run.producer.counters.queuedBytes <= QUEUE_BYTES);
    if (i % 50 === 0) await sleep(1);
  }
  const { arrayBuffers } = process.memoryUsage();
  assert.ok(
    arrayBuffers - before.arrayBuffers < MEMORY_BYTES,
    `${arrayBuffers} of ${before.arrayBuffers}`,
  );
  const { dropped, queuedRecords, failed } = run.producer.counters;
  assert.ok(dropped > 0);
  assert.ok(queuedRecords > 0);
  assert.equal(failed, 0);
  await run.producer.stop(STOP_MS);
  run.assertStopped();
}

async function survivesDeaths(kind: ConformanceCase): Promise<void> {
  await using run = await Run.start(kind, { batch_messages: 20 });
  for (let life = 0; life < 3; life++) {
    await run.peer.up();
    const { delivered } = run.producer.counters;
    // It dies with batches before, behind and (mostly) under way.
    for (let i = 0; i < 40; i++) {
      run.offer(15);
      if (i % 4 === 0) await sleep(1);
    }
    await waitFor('some of it is delivered', () => run.producer.counters.delivered > delivered);
    for (let i = 0; i < 40; i++) run.offer(15);
    await run.peer.down();
    run.assertAccounts();
    for (let i = 0; i < 10; i++) run.offer(15);
    run.assertAccounts();
  }
  await run.peer.up();
  await run.finish();
  if (kind.acknowledged === 'by peer') await run.assertArrived();
  else await run.assertOrder();
  assert.equal(run.producer.counters.failed, 0);
}

async function stopsInTime(kind: ConformanceCase): Promise<void> {
  for (const state of ['dead', 'well', 'stalled']) {
    const peer = await kind.makePeer();
    if (state !== 'dead') await peer.up();
    const slow = { retry_delay: '10s', retry_delay_max: '10s' };
    await using run = await Run.start(kind, slow, peer);
    if (state !== 'dead') await run.untilConnected();
    if (state === 'stalled') await peer.stall?.();
    for (let i = 0; i < 30; i++) run.offer(100, 'x'.repeat(200));
    const begin = performance.now();
    await run.producer.stop(STOP_MS);
    const took = performance.now() - begin;
    // Far above what is asked for, far below what a hanging peer or a delay would take: the machine may be busy.
    assert.ok(took < STOP_MS * 4, `it took ${took} ms`);
    run.assertStopped();
    assert.equal(run.offer(1), false, 'nothing is taken afterwards');
    run.assertAccounts();
  }
}

async function standsFlood(kind: ConformanceCase): Promise<void> {
  await using run = await Run.start(kind, { queue_records: 3000 });
  await run.peer.up();
  await run.untilConnected();
  let dropped = 0;
  for (let i = 0; i < 200; i++) {
    if (!run.offer(50)) dropped += 50 * RECORDS;
    if (i % 10 === 9) await sleep(1);
  }
  // In one turn of the event loop nobody can send: this is faster than any peer.
  while (run.offer(50));
  dropped += 50 * RECORDS;
  await run.finish();
  assert.equal(run.producer.counters.dropped, dropped);
  // Where nobody acknowledges, a flood may be more than the way takes.
  if (kind.acknowledged === 'by nobody') assert.ok((await run.peer.received()).length > 0);
  else await run.assertArrived();
}

/** A producer, its peer, and what was offered. */
class Run implements AsyncDisposable {
  readonly peer: TestPeer;
  readonly producer: Producer;
  readonly #taken: string[] = [];
  readonly #watch: NodeJS.Timeout;
  #next = 0;

  private constructor(peer: TestPeer, producer: Producer) {
    this.peer = peer;
    this.producer = producer;
    this.#watch = setInterval(() => this.assertAccounts(), 1);
  }

  static async start(
    { kind, makePeer }: ConformanceCase,
    options: object = {},
    made?: TestPeer,
  ): Promise<Run> {
    const peer = made ?? (await makePeer());
    const quick = { batch_delay: '2ms', retry_delay: '5ms', retry_delay_max: '50ms' };
    const parsed = kind.options.parse({ ...quick, ...peer.options, ...options });
    const log = pino({ level: 'silent' });
    const { spoolFolder } = peer;
    const spool = spoolFolder === undefined ? {} : { spoolFolder };
    const producer = kind.create(parsed, { log, pipeline: 'conformance', shard: 0, ...spool });
    await producer.start();
    return new Run(peer, producer);
  }

  /** Offers messages `kN:number`, each of a key, the next numbers in their order. */
  offer(messages: number, padding = ''): boolean {
    const texts = Array.from({ length: messages }, (_, i) => {
      const number = this.#next + i;
      return `k${number % KEYS}:${number}:${padding}`;
    });
    let end = 0;
    const batch: EncodedBatch = {
      bytes: Buffer.from(texts.join('')),
      ends: Uint32Array.from(texts, (text) => (end += text.length)),
      keys: texts.map((text) => Buffer.from(keyOf(text))),
      records: messages * RECORDS,
      protocol: 'ipfix',
    };
    this.#next += messages;
    const taken = this.producer.offer(batch);
    batch.bytes.fill(0);
    if (taken) this.#taken.push(...texts);
    this.assertAccounts();
    return taken;
  }

  assertAccounts(): void {
    const { offered, recovered, delivered, failed, dropped, queuedRecords } =
      this.producer.counters;
    assert.equal(offered + recovered, delivered + failed + dropped + queuedRecords);
    assert.equal(offered, this.#next * RECORDS);
    assert.ok(queuedRecords >= 0);
  }

  /** What waits is on disk, or is counted as failed. */
  assertStopped(): void {
    this.assertAccounts();
    const { queuedRecords, queuedBytes, spooledBytes } = this.producer.counters;
    assert.equal(queuedBytes, 0);
    if (spooledBytes === 0) assert.equal(queuedRecords, 0);
  }

  async untilConnected(): Promise<void> {
    await waitFor('it is connected', () => this.producer.status.state === 'ok');
  }

  async untilFailing(): Promise<void> {
    await waitFor('it tells that its peer is away', () => this.producer.status.state === 'failing');
  }

  /** Waits until all that was taken is delivered. */
  async finish(): Promise<void> {
    await waitFor(
      () => `all is delivered: ${JSON.stringify([this.producer.status, this.producer.counters])}`,
      async () => {
        await this.producer.flush(1000);
        return this.producer.counters.queuedRecords === 0;
      },
    );
    this.assertAccounts();
    assert.equal(this.producer.counters.delivered, this.#taken.length * RECORDS);
  }

  /** All that was taken has come, in the order of each key; repeated ones are left out. */
  async assertArrived(): Promise<void> {
    const wanted = this.#taken.length;
    let first = new Set<string>();
    await waitFor(
      () => `${wanted} messages have come: there are ${first.size}`,
      async () => {
        first = new Set(await this.peer.received());
        return first.size >= wanted;
      },
    );
    assert.deepEqual(byKey(first), byKey(this.#taken));
  }

  /** What has come was offered, and is in the order of each key, repeated ones left out. */
  async assertOrder(): Promise<void> {
    let first = new Set<string>();
    const before = this.#taken.length;
    // Any message may be lost, the last one too: more are sent until one has come.
    await waitFor('a message has come', async () => {
      this.offer(1);
      await this.producer.flush(1000);
      first = new Set(await this.peer.received());
      return this.#taken.slice(before).some((text) => first.has(text));
    });
    assert.deepEqual(byKey(first), byKey(this.#taken.filter((text) => first.has(text))));
    assert.equal(
      [...first].every((text) => this.#taken.includes(text)),
      true,
      'nothing else came',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    await this.producer.stop(STOP_MS);
    await this.peer[Symbol.asyncDispose]();
  }
}

function byKey(texts: Iterable<string>): Record<string, string[]> {
  const lists: Record<string, string[]> = {};
  for (const text of texts) {
    const key = keyOf(text);
    lists[key] ??= [];
    lists[key].push(text);
  }
  return lists;
}

function keyOf(text: string): string {
  return text.slice(0, text.indexOf(':'));
}

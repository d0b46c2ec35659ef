import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { mapMemory } from './memory.ts';
import { RING } from './ring-layout.ts';
import {
  createReaderStates,
  createRing,
  mapAll,
  readOnly,
  ringSequence,
  ringSlot,
} from './ring-memory.ts';
import { type PacketMemory, RingReader } from './ring-reader.ts';
import { type RingReaderAccount, RingReaderStates } from './ring-reader-states.ts';
import { RingWriter } from './ring-writer.ts';

const MIB = 2 ** 20;

function makePackets(size: number, bytes = 2 ** 20): PacketMemory {
  return {
    count: 0,
    bytes: new Uint8Array(bytes),
    offsets: new Uint32Array(size),
    lengths: new Uint32Array(size),
    sources: new Uint32Array(size * 4),
    ports: new Uint16Array(size),
    listenPorts: new Uint16Array(size),
    receivedMs: new Float64Array(size),
  };
}

/** ::ffff:10.0.x.y */
function sourceOf(number: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, number >> 8, number & 255);
}

class Lab {
  readonly ring: ArrayBuffer;
  readonly states: ArrayBuffer;
  readonly all: RingReaderStates;
  readonly shards = new ArrayBuffer(RING.SLOTS);
  readonly packets = makePackets(64);
  writer: RingWriter;

  constructor() {
    const fd = createRing('test-ring', MIB);
    const states = createReaderStates('test-states');
    this.ring = mapAll(fd, true);
    this.states = mapAll(states, true);
    closeSync(fd);
    closeSync(states);
    this.all = new RingReaderStates(this.states);
    this.writer = new RingWriter(this.ring);
  }

  reader(pipeline = 0, shard = 0, owner = 1): RingReader {
    const { ring, states, shards } = this;
    return new RingReader({ ring, states, pipeline, shard, shardOfSlot: shards, owner });
  }

  /** Payloads are their numbers, as text. */
  append(from: number, count: number, pipelines = 1, bytes = 0): void {
    for (let i = from; i < from + count; i++) {
      const payload = Buffer.from(`${i}`.padEnd(bytes));
      const source = sourceOf(i % 1000);
      const ports = { sourcePort: 1000 + (i % 7), listenPort: 2055 };
      this.writer.append({ source, ...ports, pipelines, receivedMs: i + 0.25, payload });
    }
    this.writer.publish();
  }

  /** What a reader takes in one call, as numbers. */
  take(reader: RingReader): number[] {
    const { packets } = this;
    const count = reader.take(packets);
    return Array.from({ length: count }, (_, i) => {
      const at = packets.offsets[i] ?? 0;
      const text = Buffer.from(packets.bytes.subarray(at, at + (packets.lengths[i] ?? 0)));
      return Number(text.toString());
    });
  }

  takeAll(reader: RingReader): number[] {
    const taken: number[] = [];
    do taken.push(...this.take(reader));
    while (reader.hasMore);
    return taken;
  }

  account(pipeline = 0, shard = 0): RingReaderAccount {
    const account = this.all.account(pipeline, shard);
    assert.ok(account);
    const { sequence, first, taken, otherPipelines, otherShards, lost } = account;
    assert.equal(sequence - first, taken + otherPipelines + otherShards + lost);
    return account;
  }
}

function numbers(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

describe('a ring', () => {
  it('hands packets over with all that is known of them', () => {
    const lab = new Lab();
    const reader = lab.reader();
    const source = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe);
    const payloads = ['one', '', 'x'.repeat(65_535)].map((text) => Buffer.from(text));
    for (const payload of payloads) {
      const ports = { sourcePort: 65_535, listenPort: 2055 };
      const receivedMs = 1_795_000_000_123.456;
      lab.writer.append({ source, ...ports, pipelines: 1, receivedMs, payload, isTruncated: true });
    }
    assert.equal(reader.take(lab.packets), 0, 'not published yet');
    lab.writer.publish();
    assert.equal(reader.take(lab.packets), 3);
    for (const [i, payload] of payloads.entries()) {
      const { offsets, lengths, bytes, sources, ports, listenPorts, receivedMs } = lab.packets;
      const at = offsets[i] ?? -1;
      assert.deepEqual(Buffer.from(bytes.subarray(at, at + (lengths[i] ?? 0))), payload);
      assert.deepEqual([...sources.subarray(i * 4, i * 4 + 4)], [0x20010db8, 0, 0, 0xfe]);
      assert.deepEqual([ports[i], listenPorts[i]], [65_535, 2055]);
      assert.equal(receivedMs[i]?.toFixed(3), '1795000000123.456');
    }
    assert.equal(lab.account().truncated, 3);
    assert.equal(lab.account().bytes, 65_538);
  });

  it('gives each pipeline its own, in order, and each shard its exporters', () => {
    const lab = new Lab();
    new Uint8Array(lab.shards).forEach((_, slot, shards) => {
      shards[slot] = slot % 2;
    });
    const [first, second, other] = [lab.reader(0, 0), lab.reader(0, 1), lab.reader(31)];
    lab.append(0, 100, 1);
    lab.append(100, 50, 2 ** 31);
    lab.append(150, 50, 1 + 2 ** 31);
    const shardOf = (i: number) => ringSlot(sourceOf(i)) % 2;
    const own = [...numbers(0, 100), ...numbers(150, 50)];
    const parts = [first, second].map((reader) => lab.takeAll(reader));
    assert.deepEqual(
      parts,
      [0, 1].map((shard) => own.filter((i) => shardOf(i) === shard)),
    );
    assert.deepEqual(
      lab.takeAll(other),
      numbers(100, 100).filter((i) => shardOf(i) === 0),
    );
    assert.equal(lab.account(0, 0).otherPipelines, 50);
    assert.equal(lab.account(0, 0).otherShards, parts[1]?.length);
  });

  it('says how many more there are than a batch has room for', () => {
    const lab = new Lab();
    const reader = lab.reader();
    lab.append(0, 130);
    assert.deepEqual(lab.take(reader), numbers(0, 64));
    assert.equal(reader.hasMore, true);
    assert.equal(ringSequence(lab.ring) - lab.account().sequence, 66);
    assert.deepEqual(lab.takeAll(reader), numbers(64, 66));
    assert.equal(reader.hasMore, false);
  });

  it('a reader that is too slow loses records, knows how many, and goes on half a ring behind', () => {
    const lab = new Lab();
    const reader = lab.reader();
    lab.append(0, 10_000, 1, 1000);
    const taken = lab.takeAll(reader);
    const account = lab.account();
    assert.ok(taken.length > 400 && taken.length < 700, `${taken.length}`);
    assert.deepEqual(taken, numbers(10_000 - taken.length, taken.length));
    assert.equal(account.lost, 10_000 - taken.length);
    assert.equal(account.ownLost, account.lost);
  });

  it('tells what was lost of its own pipeline from what others lost', () => {
    const lab = new Lab();
    const reader = lab.reader();
    for (let i = 0; i < 500; i++) lab.append(i * 10, 10, i % 5 === 0 ? 1 : 2, 1000);
    const taken = lab.takeAll(reader);
    const account = lab.account();
    assert.ok(account.lost > 3000);
    assert.equal(account.ownLost, 1000 - taken.length);
  });

  it('goes on where a process that has died was; its batch counts as abandoned', () => {
    const lab = new Lab();
    const died = lab.reader();
    lab.append(0, 200);
    lab.take(died);
    lab.take(died);
    const successor = lab.reader();
    assert.deepEqual(lab.takeAll(successor), numbers(128, 72));
    successor.done();
    const { abandoned, done, taken, generation, pid } = lab.account();
    assert.deepEqual({ abandoned, done, taken }, { abandoned: 64, done: 136, taken: 200 });
    assert.deepEqual([generation, pid], [2, process.pid]);
  });

  it('begins behind the newest packet for another owner, and in another ring', () => {
    const lab = new Lab();
    lab.append(0, 10);
    lab.takeAll(lab.reader(0, 0, 1));
    lab.append(10, 5);
    const reader = lab.reader(0, 0, 2);
    lab.append(15, 5);
    assert.deepEqual(lab.takeAll(reader), numbers(15, 5));
    assert.equal(lab.account().lost, 0);
  });

  it('another writer goes on behind what was published', () => {
    const lab = new Lab();
    const reader = lab.reader();
    lab.append(0, 3000, 1, 500);
    const { ring } = lab;
    const source = sourceOf(1);
    const rest = { sourcePort: 1, listenPort: 1, pipelines: 1, receivedMs: 1 };
    for (let i = 0; i < 700; i++) {
      lab.writer.append({ source, ...rest, payload: Buffer.alloc(500, 'never published') });
    }
    lab.writer = new RingWriter(ring);
    lab.append(3000, 3000, 1, 500);
    const taken = lab.takeAll(reader);
    assert.deepEqual(taken, numbers(6000 - taken.length, taken.length));
    assert.equal(lab.account().lost, 6000 - taken.length);
    assert.equal(ringSequence(ring), 6000);
  });

  it('shards are cut over at one sequence: nothing is lost, doubled or out of order', () => {
    const lab = new Lab();
    const old = lab.reader(0, 0);
    lab.append(0, 100);
    for (const shard of [0]) lab.all.stopAt(0, shard, 150);
    lab.append(100, 100);
    assert.deepEqual(lab.takeAll(old), numbers(0, 150));
    assert.equal(old.hasMore, false);
    assert.equal(lab.account().sequence, 150);
    lab.all.beginAt(0, 1, 0, 1);
    new Uint8Array(lab.shards).fill(1, 128);
    lab.all.stopAt(0, 0, 0);
    const parts = [lab.takeAll(old), lab.takeAll(lab.reader(0, 1))];
    const shardOf = (i: number) => (ringSlot(sourceOf(i)) < 128 ? 0 : 1);
    assert.deepEqual(
      parts,
      [0, 1].map((shard) => numbers(150, 50).filter((i) => shardOf(i) === shard)),
    );
    assert.equal(lab.account(0, 1).first, 150);
  });

  it('a reader that is overtaken before it stops counts what was lost up to there, the next one the rest', () => {
    const lab = new Lab();
    const old = lab.reader(0, 0);
    lab.all.stopAt(0, 0, 100);
    lab.append(0, 10_000, 1, 1000);
    assert.deepEqual(lab.takeAll(old), []);
    assert.equal(lab.account().lost, 100);
    lab.all.beginAt(0, 1, 0, 1);
    new Uint8Array(lab.shards).fill(1);
    const taken = lab.takeAll(lab.reader(0, 1));
    assert.equal(lab.account(0, 1).lost, 9_900 - taken.length);
  });

  it('spreads exporters evenly over slots', () => {
    const counts = new Array<number>(RING.SLOTS).fill(0);
    for (let i = 0; i < 25_600; i++) {
      const slot = ringSlot(sourceOf(i));
      counts[slot] = (counts[slot] ?? 0) + 1;
    }
    assert.ok(Math.min(...counts) > 50 && Math.max(...counts) < 150, counts.join());
  });

  it('is nothing else than a ring, and nobody who only reads can write to it', () => {
    assert.throws(() => createRing('test', MIB + 64), /must be a power of two/);
    assert.throws(() => new RingWriter(new ArrayBuffer(2 * MIB)), { code: 'EINVAL' });
    const fd = createRing('test', MIB);
    const reading = readOnly(fd);
    assert.throws(() => mapMemory(reading, MIB, true), { code: 'EACCES' });
    closeSync(fd);
    closeSync(reading);
  });
});

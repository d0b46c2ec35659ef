import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import { createReaderStates, createRing, mapAll } from './ring-memory.ts';
import { RingReader } from './ring-reader.ts';
import { RingReaderStates } from './ring-reader-states.ts';
import { RingWriter } from './ring-writer.ts';

const PACKET = {
  source: new Uint8Array(16),
  sourcePort: 1,
  listenPort: 2055,
  pipelines: 1,
  receivedMs: 0,
  payload: Buffer.from('x'),
};

function makePackets(size: number) {
  return {
    count: 0,
    bytes: new Uint8Array(size * 65_536),
    offsets: new Uint32Array(size),
    lengths: new Uint32Array(size),
    sources: new Uint32Array(size * 4),
    ports: new Uint16Array(size),
    listenPorts: new Uint16Array(size),
    receivedMs: new Float64Array(size),
  };
}

test('a reader whose place another one has taken over takes nothing, and leaves the account alone', () => {
  const fds = [createRing('test-ring', 1 << 20), createReaderStates('test-readers')] as const;
  const [ring, states] = fds.map((fd) => mapAll(fd, true)) as [ArrayBuffer, ArrayBuffer];
  const options = {
    ring,
    states,
    pipeline: 0,
    shard: 0,
    shardOfSlot: new ArrayBuffer(256),
    owner: 1,
  };
  const stopped = new RingReader(options);
  const writer = new RingWriter(ring);
  for (let i = 0; i < 10; i++) writer.append(PACKET);
  writer.publish();
  const packets = makePackets(4);
  assert.equal(stopped.take(packets), 4);
  const successor = new RingReader(options);
  assert.equal(successor.take(packets), 4);
  successor.done();
  // It was stopped with a batch in its hands, and goes on.
  stopped.done();
  assert.equal(stopped.take(packets), 0);
  assert.equal(stopped.hasMore, false);
  assert.equal(successor.take(packets), 2);
  successor.done();
  const account = new RingReaderStates(states).account(0, 0);
  assert.equal(account?.taken, 10);
  assert.equal(account?.abandoned, 4);
  assert.equal(account?.done, 6);
  assert.equal(account?.lost, 0);
  for (const fd of fds) closeSync(fd);
});

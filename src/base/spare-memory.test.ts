import assert from 'node:assert/strict';
import { test } from 'node:test';
import { THREAD_HEAP } from './heap-room.ts';
import { SpareMemory } from './spare-memory.ts';

const MIB = 1024 * 1024;

/** A heap with 20 MiB in use. */
function makeHeap() {
  const heap = {
    collections: 0,
    usedMib: 20,
    committedMib: 40,
    used: () => heap.usedMib * MIB,
    committed: () => heap.committedMib * MIB,
    limit: () => 4096 * MIB,
    collect: () => {
      heap.collections++;
      heap.usedMib = 20;
      heap.committedMib = 30;
    },
  };
  return heap;
}

test('what a thread has needed for a while is given back once it is idle', () => {
  const heap = makeHeap();
  const spare = new SpareMemory(heap);
  Object.assign(heap, { usedMib: 200, committedMib: 300 });
  spare.look();
  assert.equal(heap.collections, 0, 'it is at work');
  heap.usedMib += 1;
  spare.look();
  assert.equal(heap.collections, 1);
  spare.look();
  assert.equal(heap.collections, 1, 'nothing is left to give back');
});

test('what a thread goes on using is no reason to collect again and again', () => {
  const heap = makeHeap();
  heap.collect = () => {
    heap.collections++;
  };
  const spare = new SpareMemory(heap);
  Object.assign(heap, { usedMib: 200, committedMib: 300 });
  for (let i = 0; i < 10; i++) spare.look();
  assert.equal(heap.collections, 1);
});

test('the heap of this thread gives back what was there for a while', () => {
  let things: object[] | undefined = Array.from({ length: 2_000_000 }, (_, i) => ({ i }));
  assert.equal(things.length, 2_000_000);
  const before = THREAD_HEAP.committed();
  things = undefined;
  THREAD_HEAP.collect();
  assert.ok(THREAD_HEAP.committed() < before - 32 * MIB, `${THREAD_HEAP.committed()} of ${before}`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkHeapRoom,
  type Heap,
  heapProblem,
  limitWithoutYoung,
  THREAD_HEAP,
} from './heap-room.ts';

const MIB = 1024 * 1024;

/** A heap that may grow to 1 GiB: three quarters of it can be used. */
class FakeHeap implements Heap {
  collections = 0;
  readonly #live: number;
  #garbage: number;

  constructor(liveMib: number, garbageMib: number) {
    this.#live = liveMib * MIB;
    this.#garbage = garbageMib * MIB;
  }

  used = () => this.#live + this.#garbage;
  committed = () => this.used();
  limit = () => 1024 * MIB;
  collect = () => {
    this.collections++;
    this.#garbage = 0;
  };
}

test('while there is room nothing is collected', () => {
  const heap = new FakeHeap(500, 100);
  assert.equal(heapProblem(168 * MIB, heap), undefined);
  assert.equal(heap.collections, 0);
});

test('what nobody needs any more is no reason to refuse', () => {
  const heap = new FakeHeap(500, 200);
  assert.equal(heapProblem(168 * MIB, heap), undefined);
  assert.equal(heap.collections, 1);
});

test('without room the problem says what there is and what to do', () => {
  const problem = heapProblem(200 * MIB, new FakeHeap(600, 100));
  assert.match(problem ?? '', /600 MiB .* 200 more .* 768 of the 1024 .*--max-old-space-size=2048/);
});

test('near the limit each collection has to free something', () => {
  assert.notEqual(heapProblem(10 * MIB, new FakeHeap(757, 10)), undefined);
});

test('the heap of this thread can be collected', () => {
  let garbage: unknown[] | undefined = Array.from({ length: 1_000_000 }, (_, i) => ({ i }));
  const before = THREAD_HEAP.used();
  assert.equal(garbage.length, 1_000_000);
  garbage = undefined;
  THREAD_HEAP.collect();
  assert.ok(THREAD_HEAP.used() < before - 10 * MIB);
  assert.equal('gc' in globalThis, false);
});

test('what is kept for young objects is no room for others, however much that is', () => {
  assert.equal(limitWithoutYoung(1192 * MIB, ['--no-warnings']), 1000 * MIB);
  assert.equal(limitWithoutYoung(1024 * MIB, ['--max-semi-space-size=8']), 1000 * MIB);
  assert.equal(limitWithoutYoung(160 * MIB, []), 40 * MIB, 'by a switch that is not seen');
});

test('V6: more than there is memory for is a limit exceeded', () => {
  assert.throws(() => checkHeapRoom(THREAD_HEAP.limit()), { code: 'LIMIT_EXCEEDED' });
});

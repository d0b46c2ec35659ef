import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextIteration } from 'node:timers/promises';
import { Turn } from './turn.ts';

test('of many that work, one has a turn between two iterations of the event loop', async () => {
  const WORKERS = 50;
  const TURNS = 3;
  let turnsTaken = 0;
  const work = async () => {
    const turn = new Turn();
    for (let i = 0; i < TURNS; i++) {
      await turn.next();
      turnsTaken += 1;
    }
  };
  const all = Promise.all(Array.from({ length: WORKERS }, work));
  let most = 0;
  while (turnsTaken < WORKERS * TURNS) {
    const before = turnsTaken;
    await nextIteration();
    most = Math.max(most, turnsTaken - before);
  }
  await all;
  assert.equal(most, 1);
});

test('turns are given in the order in which they were asked for', async () => {
  const order: string[] = [];
  const work = async (name: string) => {
    const turn = new Turn();
    for (let i = 0; i < 2; i++) {
      await turn.next();
      order.push(name);
    }
  };
  await Promise.all([work('a'), work('b'), work('c')]);
  assert.deepEqual(order, ['a', 'b', 'c', 'a', 'b', 'c']);
});

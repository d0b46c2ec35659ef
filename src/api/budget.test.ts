import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget } from './budget.ts';

const never = new AbortController().signal;

function budget(limit: number, waitLimitMs = 30_000): Budget {
  return new Budget({ limit, waitLimitMs, of: 'bytes' });
}

test('who does not fit waits, in order, and behind those who fit no more', async () => {
  const bytes = budget(10);
  const first = await bytes.take(8, never);
  const order: string[] = [];
  const large = bytes.take(5, never).then((share) => {
    order.push('large');
    return share;
  });
  const small = bytes.take(1, never).then(() => order.push('small'));
  await new Promise(setImmediate);
  assert.deepEqual(order, []);
  first[Symbol.dispose]();
  (await large)[Symbol.dispose]();
  await small;
  assert.deepEqual(order, ['large', 'small']);
  assert.equal(bytes.used, 1);
});

test('what is larger than the whole gets all of it, when nobody else has any', async () => {
  const bytes = budget(10);
  const small = await bytes.take(1, never);
  const huge = bytes.take(100, never);
  small[Symbol.dispose]();
  (await huge)[Symbol.dispose]();
  assert.equal(bytes.used, 0);
});

test('what is charged holds up others, and goes back once', async () => {
  const bytes = budget(10);
  const share = bytes.charge(50);
  const room = bytes.room(never);
  const waiting = bytes.take(1, never);
  await new Promise(setImmediate);
  assert.equal(bytes.used, 50);
  share[Symbol.dispose]();
  share[Symbol.dispose]();
  await Promise.all([room, waiting]);
  assert.equal(bytes.used, 1);
});

test('what of a share is not needed goes back before its end', async () => {
  const bytes = budget(10);
  const share = await bytes.take(10, never);
  share.shrinkTo(20);
  assert.equal(bytes.used, 10);
  const waiting = bytes.take(6, never);
  share.shrinkTo(4);
  await waiting;
  assert.equal(bytes.used, 10);
  share[Symbol.dispose]();
  assert.equal(bytes.used, 6);
});

test('who waits too long is refused, and who has gone waits no more', async () => {
  const bytes = budget(1, 10);
  const share = await bytes.take(1, never);
  await assert.rejects(bytes.take(1, never), { code: 'LIMIT_EXCEEDED', message: /1 of 1 bytes/ });
  const controller = new AbortController();
  const waiting = bytes.take(1, controller.signal);
  controller.abort();
  await assert.rejects(waiting, { code: 'NOT_READY' });
  await assert.rejects(bytes.take(1, controller.signal), { code: 'NOT_READY' });
  share[Symbol.dispose]();
  await bytes.take(1, never);
});

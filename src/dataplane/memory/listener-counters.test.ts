import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COUNTERS } from '../../native/layout.ts';
import { ListenerCounters } from './listener-counters.ts';

const at = (last: number, port = 2055) => ({ octets: Uint8Array.of(192, 0, 2, last), port });
const WILDCARD = { octets: new Uint8Array(16), port: 2055 };
const counts = (packets: bigint) => ({
  received: { packets, bytes: packets * 10n },
  kernelDrops: packets + 1n,
});

test('R27: each address has a row, whatever the order is, and goes on where it was', () => {
  const counters = new ListenerCounters(new BigUint64Array(1024));
  assert.deepEqual(counters.keep([at(1), WILDCARD]), [0, 1]);
  counters.add(WILDCARD, counts(5n));
  assert.deepEqual(counters.keep([at(2), WILDCARD, at(2, 9)]), [0, 1, 2], 'that of at(1) is free');
  assert.deepEqual(counters.read(WILDCARD), counts(5n));
  assert.deepEqual(counters.read(at(1)).received, { packets: 0n, bytes: 0n });
  counters.add(WILDCARD, counts(2n));
  assert.equal(counters.read(WILDCARD).received.bytes, 70n);
});

test('R27: rows leave all other counters as they are, also when there are more addresses than rows', () => {
  const words = new BigUint64Array(1024).fill(7n);
  words.fill(0n, COUNTERS.LISTENERS, COUNTERS.LISTENERS + COUNTERS.LISTENERS_MAX * 6);
  const counters = new ListenerCounters(words);
  const many = Array.from({ length: COUNTERS.LISTENERS_MAX + 1 }, (_, i) => at(i + 1));
  assert.equal(counters.keep(many).at(-1), COUNTERS.LISTENER_NONE);
  for (const one of many) counters.add(one, counts(1n));
  const rest = words.filter((_, i) => i < COUNTERS.LISTENERS || i >= 256);
  assert.ok(rest.every((word) => word === 7n));
});

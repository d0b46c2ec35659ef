import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../model/address.ts';
import type { Link, NeighbourState } from '../native/network.ts';
import { StaleNeighbours } from './stale-neighbours.ts';

const link = { index: 2, name: 'eth0' } as Link;

function hop(text: string, state: NeighbourState) {
  const octets = parseAddress(text) as Uint8Array;
  return { link, octets, neighbour: { octets, link: 2, state, hardware: new Uint8Array(6) } };
}

test('R28: a stale neighbour that gets frames is asked at once, and again after ten seconds', () => {
  let nowMs = 0;
  const asked: string[] = [];
  const stale = new StaleNeighbours(
    (address) => asked.push(address),
    () => nowMs,
  );
  const look = (...hops: ReturnType<typeof hop>[]) => {
    asked.length = 0;
    stale.look(hops);
    return [...asked];
  };
  const one = hop('192.0.2.1', 'stale');
  assert.deepEqual(look(hop('192.0.2.1', 'reachable'), hop('192.0.2.2', 'probe')), []);
  assert.deepEqual(look(one, one), ['192.0.2.1']);
  nowMs = 5000;
  assert.deepEqual(look(one, hop('fe80::1', 'stale')), ['fe80::1%eth0']);
  assert.deepEqual(look(hop('192.0.2.1', 'delay')), []);
  nowMs = 9999;
  assert.deepEqual(look(one), [], 'it was another state meanwhile');
  nowMs = 10_000;
  assert.deepEqual(look(one), ['192.0.2.1']);
  nowMs = 15_000;
  assert.deepEqual(look(hop('fe80::1', 'stale')), ['fe80::1%eth0']);
});

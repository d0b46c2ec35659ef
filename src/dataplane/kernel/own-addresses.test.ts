import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnAddresses } from './own-addresses.ts';

/** struct sys_local_route of a whole address, or of a network. */
function route(last: number, prefixBits = 32, broadcast = 0): number[] {
  const address = [198, 18, 0, last, ...new Array(12).fill(0)];
  return [...address, 4, prefixBits, broadcast, 0];
}

test('R30: the program is told of addresses that come and go, and of no networks or broadcast addresses', () => {
  const told: string[] = [];
  const setAddress = (address: Uint8Array, isThere: boolean) =>
    void told.push(`${isThere ? '+' : '-'}${address.slice(10).join('.')}`);
  let routes = [...route(1), ...route(0, 24), ...route(255, 32, 1)];
  const addresses = new OwnAddresses({ setAddress }, () => Uint8Array.from(routes));
  addresses.look();
  assert.deepEqual(told.splice(0), ['+255.255.198.18.0.1']);
  addresses.look();
  assert.deepEqual(told.splice(0), []);
  routes = route(2);
  addresses.look();
  assert.deepEqual(told.splice(0), ['-255.255.198.18.0.1', '+255.255.198.18.0.2']);
});

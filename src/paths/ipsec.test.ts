import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Policies } from './ipsec.ts';

test('R29, R30: policies of IPsec count on their way, until they are gone', () => {
  // For input, output, and what is forwarded.
  const policies = new Policies([16, 9, 26]);
  const ways = () => [policies.obstacle('input'), policies.obstacle('output')];
  const [input, output] = ways();
  assert.equal(input, 'IPsec has policies for input (ip xfrm policy)');
  assert.equal(output, 'IPsec has policies for output (ip xfrm policy)');
  policies.take([{ index: 9, isThere: false }]);
  assert.deepEqual(ways(), [input, undefined]);
  policies.take([
    { index: 17, isThere: true },
    { index: 16, isThere: false },
  ]);
  assert.deepEqual(ways(), [undefined, output]);
  policies.take([{ index: 0, isThere: false }]);
  assert.deepEqual(ways(), [undefined, undefined]);
});

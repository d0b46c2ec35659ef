import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from './address.ts';
import { type AddressKind, addressKind, needsInterface } from './address-kind.ts';

const ADDRESSES: Readonly<Record<AddressKind, readonly string[]>> = {
  unspecified: ['0.0.0.0', '::'],
  loopback: ['127.0.0.0', '127.0.0.1', '127.255.255.255', '::1'],
  'link-local': ['169.254.0.0', '169.254.255.255', 'fe80::', 'fe80::1', 'febf:ffff::1'],
  multicast: ['224.0.0.0', '239.255.255.255', 'ff00::', 'ff02::1'],
  broadcast: ['255.255.255.255'],
  unicast: [
    '0.0.0.1',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '192.0.2.255',
    '223.255.255.255',
    '240.0.0.0',
    '255.255.255.254',
    '::2',
    '1::',
    '1::1',
    'fe7f::1',
    'fec0::1',
    'feff::1',
  ],
};

for (const [kind, addresses] of Object.entries(ADDRESSES)) {
  test(`addresses that are ${kind}`, () => {
    for (const address of addresses) {
      assert.equal(addressKind(parseAddress(address) ?? new Uint8Array(4)), kind, address);
    }
  });
}

test('only a link-local address of IPv6 needs an interface', () => {
  const needing = Object.values(ADDRESSES)
    .flat()
    .filter((address) => needsInterface(parseAddress(address) ?? new Uint8Array(4)));
  assert.deepEqual(needing, ['fe80::', 'fe80::1', 'febf:ffff::1']);
});

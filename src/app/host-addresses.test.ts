import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { requireRoot } from '../../test/lab/require-root.ts';

const NODE = fileURLToPath(new URL('../../bin/floxy-node', import.meta.url));
const MODULE = new URL('./host-addresses.ts', import.meta.url).href;
const ADDRESS_MODULE = new URL('../model/address.ts', import.meta.url).href;

interface Seen {
  readonly isLocal: boolean;
  readonly isBroadcast: boolean;
}

/** What the host with a network made by these commands (in a namespace of its own) says of an address. */
function lookAt(commands: string, addresses: readonly string[]): Seen[] {
  const script = `
    import { readHostAddresses } from ${JSON.stringify(MODULE)};
    import { parseAddress } from ${JSON.stringify(ADDRESS_MODULE)};
    const host = readHostAddresses([{ port: 2055 }]);
    const look = (octets) => ({ isLocal: host.isLocal(octets), isBroadcast: host.isBroadcast(octets) });
    console.log(JSON.stringify(${JSON.stringify(addresses)}.map((text) => look(parseAddress(text)))));`;
  const shell = `set -e\n${commands}\nexec "$0" --input-type=module-typescript -e "$1"`;
  const result = spawnSync('unshare', ['--net', 'sh', '-c', shell, NODE, script], {
    encoding: 'utf8',
  });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

const LOCAL = { isLocal: true, isBroadcast: false };
const BROADCAST = { isLocal: false, isBroadcast: true };
const OTHER = { isLocal: false, isBroadcast: false };

const CASES: readonly (readonly [string, string, Readonly<Record<string, Seen>>])[] = [
  [
    'V4: loopback, also when it is down',
    '',
    { '127.0.0.1': LOCAL, '127.1.2.3': LOCAL, '::1': LOCAL, '192.0.2.1': OTHER, '::2': OTHER },
  ],
  [
    'V4: addresses of an interface without carrier',
    `ip link add d0 type veth peer name d1
     ip link set d0 up
     ip address add 192.0.2.1/24 dev d0`,
    { '192.0.2.1': LOCAL, '192.0.2.2': OTHER, '192.0.2.255': BROADCAST },
  ],
  [
    'V4: networks that a route makes local',
    `ip link set lo up
     ip route add local 198.51.100.0/24 dev lo
     ip route add local 203.0.112.0/21 dev lo
     ip -6 route add local 2001:db8:9::/48 dev lo`,
    {
      '198.51.100.0': LOCAL,
      '198.51.100.77': LOCAL,
      '198.51.101.0': OTHER,
      '203.0.119.255': LOCAL,
      '203.0.120.0': OTHER,
      '2001:db8:9:8::7': LOCAL,
      '2001:db8:a::': OTHER,
    },
  ],
  [
    'V4: addresses that the kernel does not use yet, and link-local ones without their zone',
    `ip link add d0 type veth peer name d1
     ip link set d0 up
     ip link set d1 up
     ip address add fe80::99/64 dev d0 nodad
     ip link add bridge0 type bridge
     ip link set bridge0 up
     ip address add 2001:db8::1/64 dev bridge0`,
    { '2001:db8::1': LOCAL, '2001:db8::2': OTHER, 'fe80::99': LOCAL, 'fe80::98': OTHER },
  ],
  [
    'V5: the broadcast address of a network, also an unusual one, and none where there is none',
    `ip link add d0 type veth peer name d1
     ip link set d0 up
     ip link set d1 up
     ip address add 192.0.2.9/29 brd + dev d0
     ip address add 198.51.100.1/24 brd 198.51.100.100 dev d0
     ip address add 203.0.113.0/31 dev d0
     ip address add 203.0.113.9/32 dev d0`,
    {
      '192.0.2.15': BROADCAST,
      '192.0.2.255': OTHER,
      '198.51.100.100': BROADCAST,
      '203.0.113.0': LOCAL,
      '203.0.113.1': OTHER,
      '203.0.113.9': LOCAL,
    },
  ],
  [
    'V5: a broadcast address stays one within a network that a route makes local',
    `ip link add d0 type veth peer name d1
     ip link set d0 up
     ip link set d1 up
     ip link set lo up
     ip address add 198.51.100.1/25 brd + dev d0
     ip route add local 198.51.100.0/24 dev lo`,
    { '198.51.100.127': BROADCAST, '198.51.100.126': LOCAL, '198.51.100.255': LOCAL },
  ],
];

for (const [name, commands, expected] of CASES) {
  test(name, { skip: requireRoot() }, () => {
    const addresses = Object.keys(expected);
    const seen = lookAt(commands, addresses);
    assert.deepEqual(
      Object.fromEntries(addresses.map((address, i) => [address, seen[i]])),
      expected,
    );
  });
}

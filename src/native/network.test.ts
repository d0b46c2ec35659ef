import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { requireRoot } from '../../test/lab/require-root.ts';

const NODE = fileURLToPath(new URL('../../bin/floxy-node', import.meta.url));

/** Runs a script on a host with a network made by these commands, in a namespace of its own. */
function lookAt(commands: string, script: string): unknown {
  const modules = ['./network.ts', '../model/address.ts'].map((name) =>
    JSON.stringify(new URL(name, import.meta.url).href),
  );
  const program = `
    import { findRoutes, readLinks, readNeighbours } from ${modules[0]};
    import { formatAddress, parseAddress } from ${modules[1]};
    const hex = (octets) => Buffer.from(octets).toString('hex');
    const text = (octets) => octets && formatAddress(octets);
    const links = Object.fromEntries(readLinks().map(({ index, name }) => [index, name]));
    ${script}
    console.log(JSON.stringify(seen));`;
  const shell = `set -e\n${commands}\nexec "$0" --input-type=module-typescript -e "$1"`;
  const result = spawnSync('unshare', ['--net', 'sh', '-c', shell, NODE, program], {
    encoding: 'utf8',
  });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

const NETWORK = `
  ip link set lo up
  ip link add d0 mtu 1400 address 02:00:00:00:00:d0 type veth peer name d1
  ip link set d0 up
  ip link set d1 up
  ip link add d2 address 02:00:00:00:00:d2 type veth peer name d3
  ip link set d2 up
  ip address add 192.0.2.1/24 dev d0
  ip address add 2001:db8::1/64 dev d0 nodad
  ip route add 198.51.100.0/24 via 192.0.2.254 mtu 1300
  ip route add 203.0.113.0/25 via inet6 2001:db8::fe
  ip route add unreachable 203.0.113.128/25
  ip route add blackhole 198.18.0.0/24
  ip route add prohibit 198.18.1.0/24
  ip route add 2001:db8:1::/48 via 2001:db8::fe
  ip neigh add 192.0.2.254 lladdr 02:00:00:00:00:01 dev d0 nud permanent
  ip neigh add 2001:db8::fe lladdr 02:00:00:00:00:02 dev d0 nud failed`;

test('routes are as the kernel would use them', { skip: requireRoot() }, () => {
  const addresses = [
    ...['192.0.2.9', '198.51.100.7', '203.0.113.7', '203.0.113.200', '198.18.0.1', '198.18.1.1'],
    ...['127.1.2.3', '192.0.2.255', '198.18.2.1', '2001:db8::9', '2001:db8:1::1', '2001:db8:2::1'],
  ];
  const seen = lookAt(
    NETWORK,
    `const seen = findRoutes(${JSON.stringify(addresses)}.map(parseAddress)).map(
      ({ error, link, mtu, gateway, source, type }) =>
        error ?? [type, links[link], mtu, text(gateway) ?? '-', text(source) ?? '-']);`,
  );
  assert.deepEqual(seen, [
    ['unicast', 'd0', 0, '-', '192.0.2.1'],
    ['unicast', 'd0', 1300, '192.0.2.254', '192.0.2.1'],
    ['unicast', 'd0', 0, '2001:db8::fe', '192.0.2.1'],
    'EHOSTUNREACH',
    'EINVAL',
    'EACCES',
    ['local', 'lo', 0, '-', '127.0.0.1'],
    ['broadcast', 'd0', 0, '-', '192.0.2.1'],
    'ENETUNREACH',
    ['unicast', 'd0', 0, '-', '2001:db8::1'],
    ['unicast', 'd0', 0, '2001:db8::fe', '2001:db8::1'],
    'ENETUNREACH',
  ]);
});

test('neighbours and links are as they are', { skip: requireRoot() }, () => {
  const seen = lookAt(
    NETWORK,
    `const seen = {
       neighbours: readNeighbours().filter(({ state }) => state !== 'noarp').map(
         ({ octets, link, state, hardware }) => [text(octets), links[link], state, hex(hardware)]),
       links: readLinks().filter(({ name }) => /^(lo|d[02])$/.test(name)).map(
         (link) => ({ ...link, hardware: hex(link.hardware) })),
     };`,
  ) as { neighbours: unknown[]; links: { index: number; name: string }[] };
  assert.deepEqual(seen.neighbours.toSorted(), [
    ['192.0.2.254', 'd0', 'permanent', '020000000001'],
    ['2001:db8::fe', 'd0', 'failed', ''],
  ]);
  const known = { isUp: true, hasNeighbours: true };
  const ethernet = { ...known, isLoopback: false, isEthernet: true };
  const loopback = { ...known, isLoopback: true, isEthernet: false };
  const d0 = { name: 'd0', mtu: 1400, ipv6Mtu: 1400, hardware: '0200000000d0' };
  const d2 = { name: 'd2', mtu: 1500, ipv6Mtu: 1500, hardware: '0200000000d2' };
  const lo = { name: 'lo', mtu: 65_536, ipv6Mtu: 65_536, hardware: '000000000000' };
  const links = seen.links.map(({ index: _, ...link }) => link);
  assert.deepEqual(
    links.toSorted((a, b) => a.name.localeCompare(b.name)),
    [
      { ...d0, ...ethernet, isRunning: true },
      { ...d2, ...ethernet, isRunning: false },
      { ...lo, ...loopback, isRunning: true },
    ],
  );
});

test('a list longer than usual is told wholly', { skip: requireRoot() }, () => {
  const lines = Array.from({ length: 700 }, (_, i) => {
    const address = `198.18.${i >> 8}.${i & 255}`;
    return `neigh add ${address} lladdr 02:00:00:00:00:01 dev d0 nud permanent`;
  });
  const batch = lines.map((line) => `'${line}'`).join(' ');
  const seen = lookAt(
    `${NETWORK}\nprintf '%s\\n' ${batch} | ip -batch -`,
    `const seen = readNeighbours().filter(({ state }) => state === 'permanent').length;`,
  );
  assert.equal(seen, 701);
});

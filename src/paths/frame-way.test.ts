import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ETHERNET_LINK } from '../../test/support/ethernet-link.ts';
import { parseAddress } from '../model/address.ts';
import type { Hop } from '../native/hops.ts';
import type { Link, Neighbour, Route } from '../native/network.ts';
import { NextHops } from '../native/next-hops.ts';
import { type FrameWay, frameWay } from './frame-way.ts';
import { spread } from './spread.ts';

const octets = (text: string) => parseAddress(text) as Uint8Array;
const OWN = Uint8Array.of(2, 0, 0, 0, 0, 1);
const HIS = Uint8Array.of(2, 0, 0, 0, 0, 2);

const ROUTE: Route = {
  error: undefined,
  link: 2,
  mtu: 0,
  gateway: octets('192.0.2.254'),
  source: undefined,
  type: 'unicast',
};
const HOP: Hop = { link: 2, gateway: ROUTE.gateway, weight: 1, isDead: false, isWrapped: false };
const NEIGHBOUR: Neighbour = {
  octets: octets('192.0.2.254'),
  link: 2,
  state: 'reachable',
  hardware: HIS,
};

interface Changed {
  readonly to?: string;
  readonly route?: Partial<Route>;
  readonly hops?: readonly Hop[] | undefined;
  readonly link?: Partial<Link>;
  readonly neighbours?: readonly Neighbour[];
}

function way(changed: Changed = {}): FrameWay {
  const { to = '198.51.100.1', route, link, neighbours = [NEIGHBOUR] } = changed;
  const hops = 'hops' in changed ? changed.hops : [HOP];
  const nextHops = new NextHops([{ ...ETHERNET_LINK, ...link }], neighbours);
  return frameWay(octets(to), { ...ROUTE, ...route }, hops, nextHops);
}

const frameOf = (type: number) => Uint8Array.of(...HIS, ...OWN, type >> 8, type & 255);
const rowsOf = (found: FrameWay) => ('problem' in found ? found.problem : found.rows);

describe('R28: whether copies can leave as frames', () => {
  test('the frame goes from the link to the next hop, with the type of the collector’s family', () => {
    assert.deepEqual(rowsOf(way()), [{ link: 2, mtu: 1500, frame: frameOf(0x0800) }]);
    assert.deepEqual(rowsOf(way({ to: '2001:db8::1' })), [
      { link: 2, mtu: 1500, frame: frameOf(0x86dd) },
    ]);
  });

  test('a collector on the network itself is its own next hop', () => {
    const route = { gateway: undefined };
    const neighbours = [{ ...NEIGHBOUR, octets: octets('192.0.2.9') }];
    const hops = [{ ...HOP, gateway: undefined }];
    const found = way({ to: '192.0.2.9', route, hops, neighbours });
    assert.deepEqual(rowsOf(found), [{ link: 2, mtu: 1500, frame: frameOf(0x0800) }]);
  });

  test('the MTU is that of the route, and never more than the link’s', () => {
    const mtu = (found: FrameWay) => 'rows' in found && found.rows[0]?.mtu;
    assert.equal(mtu(way({ route: { mtu: 1400 } })), 1400);
    assert.equal(mtu(way({ route: { mtu: 9000 } })), 1500);
    assert.equal(mtu(way({ link: { mtu: 9000 } })), 9000);
    const told = { link: { ipv6Mtu: 1280 } };
    assert.equal(mtu(way(told)), 1500);
    assert.equal(mtu(way({ ...told, to: '2001:db8::1' })), 1280, 'what routers have told');
    assert.equal(mtu(way({ ...told, to: '2001:db8::1', route: { mtu: 1400 } })), 1280);
  });

  for (const state of ['reachable', 'stale', 'delay', 'probe', 'permanent', 'noarp'] as const)
    test(`a neighbour that is ${state} is sent to`, () =>
      assert.equal('rows' in way({ neighbours: [{ ...NEIGHBOUR, state }] }), true));
  for (const state of ['none', 'incomplete', 'failed', 'other'] as const)
    test(`one that is ${state} is not`, () =>
      assert.deepEqual(way({ neighbours: [{ ...NEIGHBOUR, state }] }), { problem: 'neighbour' }));

  const hardware = (...bytes: number[]) => [{ ...NEIGHBOUR, hardware: Uint8Array.of(...bytes) }];
  const problems: readonly (readonly [string, string, Changed])[] = [
    ['no neighbour is known', 'neighbour', { neighbours: [] }],
    ['its address is not known', 'neighbour', { neighbours: hardware() }],
    ['its address is a group', 'neighbour', { neighbours: hardware(3, 0, 0, 0, 0, 1) }],
    ['its address is zero', 'neighbour', { neighbours: hardware(0, 0, 0, 0, 0, 0) }],
    ['there is no route', 'no route', { route: { error: 'ENETUNREACH' } }],
    ['a blackhole', 'no route', { route: { type: 'blackhole' } }],
    ['unreachable', 'no route', { route: { type: 'unreachable' } }],
    ['prohibited', 'no route', { route: { type: 'prohibit' } }],
    ['local', 'this host', { route: { type: 'local' } }],
    ['loopback', 'this host', { link: { isLoopback: true } }],
    ['broadcast', 'not unicast', { route: { type: 'broadcast' } }],
    ['multicast', 'not unicast', { route: { type: 'multicast' } }],
    ['anycast', 'not unicast', { route: { type: 'anycast' } }],
    ['a kind of route to come', 'not unicast', { route: { type: 'other' } }],
    ['an address that needs a link', 'not unicast', { to: 'fe80::1' }],
    ['not Ethernet', 'not Ethernet', { link: { isEthernet: false } }],
    ['no neighbours', 'not Ethernet', { link: { hasNeighbours: false } }],
    ['a link without address', 'not Ethernet', { link: { hardware: new Uint8Array(0) } }],
    ['down', 'link down', { link: { isUp: false } }],
    ['without carrier', 'link down', { link: { isRunning: false } }],
    ['a link that has gone', 'link down', { link: { index: 9 } }],
    ['a tunnel', 'tunnel', { hops: [{ ...HOP, isWrapped: true }] }],
    ['one of two next hops is a tunnel', 'tunnel', { hops: [HOP, { ...HOP, isWrapped: true }] }],
    [
      'all next hops are dead',
      'link down',
      { hops: [HOP, HOP].map((hop) => ({ ...hop, isDead: true })) },
    ],
    ['next hops are not told', 'next hops', { hops: undefined }],
    ['too many next hops', 'next hops', { hops: Array.from({ length: 65 }, () => HOP) }],
  ];
  for (const [name, problem, changed] of problems)
    test(`none: ${name}`, () => assert.deepEqual(way(changed), { problem }));

  test('what was learnt of a single next hop counts: a redirect', () => {
    const route = { gateway: octets('192.0.2.253') };
    assert.deepEqual(way({ route }), { problem: 'neighbour' });
    const neighbours = [{ ...NEIGHBOUR, octets: octets('192.0.2.253') }];
    assert.equal('rows' in way({ route, neighbours }), true);
  });

  test('of several next hops each has its part, dead ones none, and who is not ready no row', () => {
    const gateways = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(octets);
    const hops = gateways.map((gateway, i) => ({
      ...HOP,
      gateway,
      weight: i + 1,
      isDead: i === 0,
    }));
    const neighbours = [{ ...NEIGHBOUR, octets: gateways[1] as Uint8Array }];
    const found = way({ hops, neighbours });
    const ready = { link: 2, mtu: 1500, frame: frameOf(0x0800) };
    assert.deepEqual(rowsOf(found), [ready, ready, undefined, undefined, undefined]);
    assert.deepEqual(
      'hops' in found && found.hops.map(({ octets: hop }) => hop),
      gateways.slice(1),
    );
    assert.deepEqual(way({ hops, neighbours: [] }), { problem: 'neighbour' });
  });
});

test('R28: parts follow weights, each hop has one, and there are 64 at most', () => {
  const weights = (parts: readonly { weight: number }[] | undefined) =>
    (parts ?? []).map(({ weight }) => weight);
  assert.deepEqual(weights(spread([{ weight: 4 }, { weight: 2 }])), [4, 4, 2]);
  assert.deepEqual(weights(spread([{ weight: 7 }])), [7]);
  const some = fc.array(fc.integer({ min: 1, max: 256 }), { minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(some, (all) => {
      const hops = all.map((weight) => ({ weight }));
      const parts = spread(hops) ?? [];
      assert.ok(parts.length <= 64);
      const sum = all.reduce((a, b) => a + b);
      for (const hop of hops) {
        const share = parts.filter((part) => part === hop).length;
        assert.ok(share >= 1);
        const ideal = (hop.weight / sum) * parts.length;
        assert.ok(
          Math.abs(share - ideal) <= 1 + hops.length * (hop.weight / sum),
          `${share} ${ideal}`,
        );
      }
    }),
  );
});

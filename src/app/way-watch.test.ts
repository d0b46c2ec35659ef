import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { endpoint, rule, ruleSet } from '../../test/support/rule-sets.ts';
import type { NeighbourState, Route } from '../native/network.ts';
import { WayWatch } from './way-watch.ts';

const LINKS = [
  { index: 1, name: 'lo', isLoopback: true },
  { index: 2, name: 'eth0', isLoopback: false },
].map((link) => ({
  ...link,
  mtu: 1500,
  ipv6Mtu: 1500,
  isUp: true,
  isRunning: true,
  isEthernet: !link.isLoopback,
  hasNeighbours: true,
  hardware: new Uint8Array(6),
}));

const VIA_ETH0: Route = {
  error: undefined,
  link: 2,
  mtu: 0,
  gateway: undefined,
  source: undefined,
  type: 'unicast',
};

/** A kernel with tables by hand; addresses without a route of their own are neighbours on eth0. */
class Tables {
  readonly routes = new Map<string, Partial<Route>>();
  readonly neighbours = new Map<string, NeighbourState>();
  readonly lines: Record<string, unknown>[] = [];
  error: Error | undefined;
  asked = 0;
  readonly watch = new WayWatch({
    log: pino({ base: null }, { write: (line) => void this.lines.push(JSON.parse(line)) }),
    kernel: {
      findRoutes: (destinations) => {
        this.asked += destinations.length;
        if (this.error) throw this.error;
        return destinations.map((octets) => ({
          ...VIA_ETH0,
          ...this.routes.get(Buffer.from(octets).toString('hex')),
        }));
      },
      readNeighbours: () =>
        [...this.neighbours].map(([host, state]) => ({
          octets: endpoint(host).octets,
          link: 2,
          state,
          hardware: new Uint8Array(6),
        })),
      readLinks: () => LINKS,
    },
  });

  route(host: string, route: Partial<Route>): void {
    this.routes.set(Buffer.from(endpoint(host).octets).toString('hex'), route);
  }

  /** @returns the lines that it made */
  async look(...collectors: string[]): Promise<unknown[]> {
    this.lines.length = 0;
    await this.watch.look(ruleSet([rule('192.0.2.1', collectors)]));
    return this.lines.map(({ msg, collectors: named, problem }) =>
      problem === undefined ? [msg, named] : [msg, named, problem],
    );
  }

  way(host: string) {
    const { route, neighbour, device, via } = this.watch.find(endpoint(host));
    return [route, neighbour, device, via];
  }
}

test('S26: a way has its route, its neighbour, and where it leaves', async () => {
  const tables = new Tables();
  tables.neighbours.set('10.0.0.1', 'reachable').set('10.0.0.254', 'stale');
  tables.route('203.0.113.1', { gateway: endpoint('10.0.0.254').octets });
  tables.route('203.0.113.2', { error: 'ENETUNREACH' });
  tables.route('203.0.113.3', { error: 'EACCES' });
  tables.route('203.0.113.4', { type: 'blackhole' });
  tables.route('127.0.0.1', { link: 1, type: 'local' });
  await tables.look(
    '10.0.0.1:9',
    '10.0.0.2',
    '127.0.0.1',
    ...[1, 2, 3, 4].map((i) => `203.0.113.${i}`),
  );
  assert.deepEqual(tables.way('10.0.0.1'), ['ok', 'reachable', 'eth0', undefined]);
  assert.deepEqual(tables.way('10.0.0.2'), ['ok', 'none', 'eth0', undefined]);
  assert.deepEqual(tables.way('127.0.0.1'), ['ok', 'unneeded', 'lo', undefined]);
  assert.deepEqual(tables.way('203.0.113.1'), ['ok', 'stale', 'eth0', '10.0.0.254']);
  assert.deepEqual(tables.way('203.0.113.2'), ['none', 'unknown', undefined, undefined]);
  assert.deepEqual(tables.way('203.0.113.3'), ['prohibit', 'unknown', undefined, undefined]);
  assert.deepEqual(tables.way('203.0.113.4'), ['blackhole', 'unknown', undefined, undefined]);
  assert.deepEqual(tables.way('203.0.113.9'), ['unknown', 'unknown', undefined, undefined]);
});

test('S26: a neighbour that does not answer is told once, and again when it answers', async () => {
  const tables = new Tables();
  const problem =
    'it does not answer ARP on eth0, so its copies are lost and count as sent: is it up, and in this network?';
  tables.neighbours.set('10.0.0.1', 'incomplete');
  assert.deepEqual(await tables.look('10.0.0.1'), [], 'it has just been asked');
  const failed = ['collectors cannot be reached', '10.0.0.1', problem];
  assert.deepEqual(await tables.look('10.0.0.1'), [failed], 'it was asked and asked again');
  tables.neighbours.set('10.0.0.1', 'failed');
  assert.deepEqual(await tables.look('10.0.0.1'), []);
  tables.neighbours.set('10.0.0.1', 'incomplete');
  assert.deepEqual(await tables.look('10.0.0.1'), []);
  assert.deepEqual(tables.way('10.0.0.1').slice(0, 2), ['ok', 'failed']);
  tables.neighbours.delete('10.0.0.1');
  assert.deepEqual(await tables.look('10.0.0.1'), [], 'nobody knows while nothing is sent');
  tables.neighbours.set('10.0.0.1', 'reachable');
  const again = ['collectors can be reached again', '10.0.0.1'];
  assert.deepEqual(await tables.look('10.0.0.1'), [again]);
  assert.deepEqual(await tables.look('10.0.0.1'), []);
});

test('S26: ten thousand collectors that cannot be reached for one reason are one line', async () => {
  const tables = new Tables();
  const hosts = Array.from({ length: 10_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  for (const host of hosts.slice(1)) tables.route(host, { error: 'ENETUNREACH' });
  tables.neighbours.set(hosts[0] as string, 'failed');
  const lines = await tables.look(...hosts);
  assert.equal(tables.asked, 10_000);
  assert.deepEqual(
    lines.map((line) => (line as string[])[1]),
    ['10.1.0.0', '10.1.0.1, 10.1.0.2, 10.1.0.3, 10.1.0.4, 10.1.0.5 and 9994 more'],
  );
  assert.deepEqual(await tables.look(...hosts), []);
});

test('a collector that rules do not name any more is forgotten', async () => {
  const tables = new Tables();
  tables.neighbours.set('10.0.0.1', 'failed');
  assert.equal((await tables.look('10.0.0.1')).length, 1);
  assert.deepEqual(await tables.look('10.0.0.2'), []);
  assert.deepEqual(tables.way('10.0.0.1').slice(0, 2), ['unknown', 'unknown']);
  assert.equal((await tables.look('10.0.0.1')).length, 1, 'when it is named again, it is news');
});

test('a kernel that cannot be asked is told once', async () => {
  const tables = new Tables();
  tables.error = new Error('findRoutes: ENOBUFS');
  assert.equal((await tables.look('10.0.0.1')).length, 1);
  assert.deepEqual(await tables.look('10.0.0.1'), []);
  tables.error = undefined;
  await tables.look('10.0.0.1');
  assert.deepEqual(tables.way('10.0.0.1').slice(0, 2), ['ok', 'none']);
});

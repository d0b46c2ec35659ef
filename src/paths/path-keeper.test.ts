import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { waitFor } from '../../test/lab/shell.ts';
import { ETHERNET_LINK } from '../../test/support/ethernet-link.ts';
import { PathTableReader } from '../../test/support/path-table.ts';
import { parseAddress } from '../model/address.ts';
import type { Neighbour } from '../native/network.ts';
import { PathBook } from './path-book.ts';
import { PathKeeper } from './path-keeper.ts';
import { PathMemory } from './path-memory.ts';
import { RowRuns } from './row-runs.ts';
import { SenderChoice } from './sender-choice.ts';

const octets = (text: string) => parseAddress(text) as Uint8Array;

/** A network in which each address but those of `routeless` is a neighbour on eth0, known when it is in `neighbours`. */
class Host implements Disposable {
  readonly routeless = new Set<string>();
  neighbours: Neighbour[] = [];
  asked: string[] = [];
  error: Error | undefined;
  readonly lines: string[] = [];
  readonly memory = new PathMemory();
  readonly rows = new RowRuns(assert.fail);
  readonly book = new PathBook(this.rows);
  readonly reader = new PathTableReader(this.memory.readOnlyFd);
  readonly keeper: PathKeeper;

  /** @param obstacles of links, as SenderChoice asks for them */
  constructor(obstacles?: (links: ReadonlyMap<number, string>) => readonly string[]) {
    const log = pino(
      { base: null },
      { write: (line) => void this.lines.push(JSON.parse(line).msg) },
    );
    this.keeper = new PathKeeper({
      book: this.book,
      memory: this.memory,
      rows: this.rows,
      choice: new SenderChoice({
        setting: obstacles === undefined ? 'link' : 'auto',
        watches: [],
        obstacles: obstacles ?? (() => []),
        log,
      }),
      askNeighbour: (address) => void this.asked.push(address),
      log,
      kernel: {
        findRoutes: (some) => {
          if (this.error !== undefined) throw this.error;
          return some.map((one) => ({
            error: this.routeless.has(one.join('.')) ? 'ENETUNREACH' : undefined,
            link: 2,
            mtu: 0,
            gateway: undefined,
            source: undefined,
            type: 'unicast',
          }));
        },
        findHops: (some) =>
          some.map(() => [
            { link: 2, gateway: undefined, weight: 1, isDead: false, isWrapped: false },
          ]),
        readLinks: () => [ETHERNET_LINK],
        readNeighbours: () => this.neighbours,
      },
    });
  }

  neighbour(text: string, state: Neighbour['state'] = 'reachable'): void {
    const hardware = Uint8Array.of(2, 0, 0, 0, 0, 2);
    this.neighbours.push({ octets: octets(text), link: 2, state, hardware });
  }

  [Symbol.dispose](): void {
    this.keeper.stop();
    this.memory.close();
  }
}

test('R28: addresses get their rows when tables ask for them, and lose them with them', async () => {
  using host = new Host();
  host.neighbour('192.0.2.1');
  host.neighbour('192.0.2.3', 'stale');
  host.routeless.add('192.0.2.2');
  host.keeper.start();
  const indexes = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((text) =>
    host.book.indexOf(octets(text)),
  );
  const [one = 0, two = 0, three = 0] = indexes;
  assert.match(host.keeper.whyNoFrames(octets('192.0.2.1')) ?? '', /not looked at yet/);
  await waitFor('they are looked at', () => host.keeper.status().ready === 2);
  assert.equal(host.reader.row(one)?.to, '02:00:00:00:00:02');
  assert.equal(host.reader.row(two), null);
  assert.deepEqual([...host.keeper.status().without], [['no route', 1]]);
  assert.deepEqual(host.asked, ['192.0.2.3']);
  assert.equal(host.keeper.whyNoFrames(octets('192.0.2.1')), undefined);
  assert.equal(host.keeper.whyNoFrames(octets('192.0.2.2')), 'there is no route to it');

  host.book.renew();
  assert.equal(host.book.indexOf(octets('192.0.2.3')), three);
  host.book.settle();
  assert.equal(host.reader.row(one), null, 'whoever gets its index has no path of another');
  assert.equal(host.reader.row(three)?.mtu, 1500);
  assert.deepEqual(
    { ...host.keeper.status(), without: 0 },
    {
      sender: 'frames',
      reason: 'COLLECTOR_FLOXY_SENDER=link',
      ready: 1,
      without: 0,
    },
  );
});

test('R28: it says that it looks as long as the kernel answers', async () => {
  using host = new Host();
  host.neighbour('192.0.2.1');
  host.keeper.start();
  host.book.indexOf(octets('192.0.2.1'));
  await waitFor('it has looked', () => host.keeper.status().ready === 1);
  const before = host.reader.header.lookedMs;
  await waitFor('it looks again', () => host.reader.header.lookedMs > before);
  host.error = new Error('ENOBUFS');
  host.book.indexOf(octets('192.0.2.2'));
  const told = 'the ways of frames are not known: copies leave through raw sockets soon';
  await waitFor('it says so', () => host.lines.includes(told));
  const last = host.reader.header.lookedMs;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(host.reader.header.lookedMs, last, 'nobody is told that it looks');
  host.error = undefined;
  await waitFor('it looks again', () => host.reader.header.lookedMs > last);
  assert.equal(host.lines.at(-1), 'the ways of frames are known again');
  assert.equal(host.lines.filter((line) => line === told).length, 1);
});

test('R29: a link that is new has no paths before it is known what it has on its way', async () => {
  const seen: (number | undefined)[] = [];
  let index = 0;
  using host = new Host((links) => {
    if (links.has(ETHERNET_LINK.index)) seen.push(host.reader.row(index)?.link);
    return [];
  });
  host.neighbour('192.0.2.1');
  host.keeper.start();
  index = host.book.indexOf(octets('192.0.2.1'));
  await waitFor('it has a path', () => host.reader.row(index) !== null);
  assert.equal(seen[0], undefined, 'there was none when it was asked for the first time');
});

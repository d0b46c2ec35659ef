import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Announcements } from '../native/announcements.ts';
import { SystemCallError } from '../native/system-call.ts';
import { HostWatch, type WatchedWay } from './host-watch.ts';

const ERRNO = { EPERM: 1, EINVAL: 22, EPROTONOSUPPORT: 93, ENOBUFS: 105 };
const fails = (code: keyof typeof ERRNO) => {
  throw new SystemCallError('test', ERRNO[code]);
};

/** A part of the kernel with rules by number. */
class Part {
  readonly rules = new Set<number>();
  seen = new Set<number>();
  opens: () => void = () => undefined;
  lists: () => void = () => undefined;
  announced: () => number[] = () => [];
  told = 0;
  closed = 0;
  call: () => void = () => undefined;
  readonly host: HostWatch<number>;
  readonly watch: WatchedWay;

  constructor({ functions }: { readonly functions: readonly string[] }) {
    this.host = new HostWatch<number>({
      name: 'it',
      has: 'rules',
      watch: () => {
        this.opens();
        return {
          start: (call: () => void) => {
            this.call = call;
          },
          take: () => this.announced(),
          close: () => this.closed++,
        } as unknown as Announcements<number>;
      },
      list: () => {
        this.lists();
        this.seen = new Set(this.rules);
      },
      take: (events) => {
        for (const rule of events) this.seen.add(rule);
      },
      obstacle: () => (this.seen.size > 0 ? `it has ${this.seen.size} rules` : undefined),
      functions,
      modules: /^no_such_module /m,
    });
    this.watch = this.host.on('output');
  }

  async open(): Promise<string | undefined> {
    this.watch.open();
    await this.watch.start(() => this.told++);
    return this.watch.obstacle();
  }
}

// One that every kernel has.
const THERE = { functions: ['schedule'] };
const NOT_THERE = { functions: ['no_such_function_of_the_kernel'] };

test('R29: what is there when it begins counts, and what is announced since', async () => {
  const part = new Part(THERE);
  part.rules.add(1);
  assert.equal(await part.open(), 'it has 1 rules');
  part.announced = () => [2, 3];
  part.call();
  assert.equal(part.watch.obstacle(), 'it has 3 rules');
  assert.equal(part.told, 1);
  part.watch.stop();
  assert.equal(part.closed, 1);
});

test('R29: when announcements are lost, it asks anew; when it may not any more, nothing is known', async () => {
  const part = new Part(THERE);
  part.rules.add(1);
  await part.open();
  part.announced = () => fails('ENOBUFS');
  part.rules.clear();
  part.call();
  assert.equal(part.watch.obstacle(), undefined);
  part.lists = () => fails('EPERM');
  part.call();
  assert.match(part.watch.obstacle() ?? '', /whether it has rules is not known any more/);
  assert.equal(part.watch.isKnown(), false);
});

test('R29: who may not ask knows nothing, but for what the kernel does not have', async () => {
  const part = new Part(THERE);
  part.opens = () => fails('EPERM');
  assert.match((await part.open()) ?? '', /whether it has rules is not known: .*CAP_NET_ADMIN/);
  const absent = new Part(NOT_THERE);
  absent.opens = () => fails('EPERM');
  assert.equal(await absent.open(), undefined);
  assert.equal(absent.told, 1);
});

test('R29: a kernel without such sockets, or with nobody behind them, has nothing in the way', async () => {
  const part = new Part(THERE);
  part.opens = () => fails('EPROTONOSUPPORT');
  assert.equal(await part.open(), undefined);
  const other = new Part(THERE);
  other.lists = () => fails('EINVAL');
  assert.equal(await other.open(), undefined);
  other.announced = () => [1];
  other.call();
  assert.equal(other.watch.obstacle(), 'it has 1 rules', 'it was loaded meanwhile');
});

test('R29, R30: it is asked once for both ways, and told as long as one of them listens', async () => {
  const part = new Part(THERE);
  let opened = 0;
  part.opens = () => opened++;
  await part.open();
  const other = part.host.on('input');
  let told = 0;
  other.open();
  await other.start(() => told++);
  assert.equal(opened, 1);
  part.call();
  assert.deepEqual([part.told, told], [1, 1]);
  part.watch.stop();
  part.call();
  assert.deepEqual([part.told, told, part.closed], [1, 2, 0]);
  other.stop();
  assert.equal(part.closed, 1);
});

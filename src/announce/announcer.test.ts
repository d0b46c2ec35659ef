import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingLog } from '../../test/api/harness.ts';
import { waitFor } from '../../test/lab/shell.ts';
import { Announcer } from './announcer.ts';
import { HealthJudge, type JudgeSettings } from './health-judge.ts';
import { type RouteBackend, RouteError } from './route-backend.ts';

const ADDRESSES = ['192.0.2.100', '2001:db8::100'];

/** Routes in memory, and what was done with them. */
class FakeBackend implements RouteBackend {
  readonly name = 'memory';
  readonly routes = new Set<string>();
  readonly done: string[] = [];
  failure: string | undefined;
  /** Announcements wait for this. */
  announceGate: Promise<void> = Promise.resolve();
  announcing = 0;
  isClosed = false;

  async announced(): Promise<ReadonlySet<string>> {
    await this.#pass();
    return new Set(this.routes);
  }
  async announce(address: string): Promise<void> {
    this.announcing += 1;
    await this.announceGate;
    await this.#pass();
    this.routes.add(address);
    this.done.push(`+${address}`);
  }
  async withdraw(address: string): Promise<void> {
    await this.#pass();
    this.routes.delete(address);
    this.done.push(`-${address}`);
  }
  close(): void {
    this.isClosed = true;
  }
  async #pass(): Promise<void> {
    if (this.failure !== undefined) throw new RouteError(this.failure);
  }
}

interface Bench extends AsyncDisposable {
  readonly backend: FakeBackend;
  readonly announcer: Announcer;
  readonly logged: Record<string, unknown>[];
  isGood: boolean;
}

function start(
  judge: Partial<JudgeSettings> = {},
  onExit: 'withdraw' | 'keep' = 'withdraw',
): Bench {
  const backend = new FakeBackend();
  const logged: Record<string, unknown>[] = [];
  const settings = { fall: 3, rise: 3, maxFalls: 3, flapWindowMs: 60_000 };
  const bench: Bench = {
    backend,
    logged,
    isGood: true,
    announcer: new Announcer({
      probe: {
        check: async () => ({ isGood: bench.isGood, reason: bench.isGood ? 'SERVING' : 'silence' }),
        close: () => undefined,
      },
      judge: new HealthJudge({ ...settings, holdStepMs: 0, holdMaxMs: 0, ...judge }),
      backend,
      addresses: ADDRESSES,
      intervalMs: 5,
      onExit,
      log: recordingLog(logged),
    }),
    [Symbol.asyncDispose]: async () => {
      await bench.announcer.stop();
    },
  };
  return bench;
}

const hasAll = ({ backend }: Bench) => ADDRESSES.every((address) => backend.routes.has(address));

test('before the first verdict nothing is touched, whatever is announced', async () => {
  await using bench = start({ rise: 1_000, fall: 1_000 });
  bench.backend.routes.add('192.0.2.100');
  bench.announcer.start();
  await waitFor('stock is taken', () => bench.logged.some(({ msg }) => /found/.test(String(msg))));
  await waitFor('it has looked', () => bench.logged.some(({ health }) => health === 'SERVING'));
  assert.deepEqual(bench.backend.done, []);
  const stock = bench.logged.find(({ announced }) => announced !== undefined);
  assert.deepEqual(stock?.['announced'], ['192.0.2.100']);
});

test('announces when the proxy is well, withdraws when it is not, and says why', async () => {
  await using bench = start();
  bench.announcer.start();
  await waitFor('both are announced', () => hasAll(bench));
  bench.isGood = false;
  await waitFor('both are withdrawn', () => bench.backend.routes.size === 0);
  assert.deepEqual(
    bench.backend.done,
    ['+', '-'].flatMap((sign) => ADDRESSES.map((a) => sign + a)),
  );
  const withdrawn = bench.logged.filter(({ msg }) => msg === 'withdrawn');
  assert.deepEqual(
    withdrawn.map(({ address, reason }) => [address, reason]),
    ADDRESSES.map((address) => [address, 'silence']),
  );
});

test('S30: what it has seen and done is counted, and what is announced is told', async () => {
  await using bench = start();
  assert.equal(bench.announcer.figures().isWanted, undefined);
  bench.announcer.start();
  await waitFor('both are known to be announced', () =>
    [...bench.announcer.figures().announced.values()].every((isAnnounced) => isAnnounced),
  );
  const { isWanted, good, bad, announcements, withdrawals } = bench.announcer.figures();
  assert.deepEqual([isWanted, bad, announcements, withdrawals], [true, 0, 2, 0]);
  assert.ok(good >= 3);
  bench.isGood = false;
  await waitFor('it knows that both are withdrawn', () =>
    [...bench.announcer.figures().announced.values()].every((isAnnounced) => !isAnnounced),
  );
  assert.equal(bench.announcer.figures().withdrawals, 2);
  bench.backend.failure = 'gobgpd cannot be reached';
  await waitFor('the failure is counted', () => bench.announcer.figures().failures > 0);
});

test('a failure is logged once, tried again, and its end is logged', async () => {
  await using bench = start();
  bench.backend.failure = 'gobgpd cannot be reached';
  bench.announcer.start();
  const isError = ({ level }: Record<string, unknown>) => level === 50;
  await waitFor('the failure is logged', () => bench.logged.some(isError));
  await waitFor('it has been tried for more than one interval', () =>
    bench.logged.some(({ msg }) => /is well/.test(String(msg))),
  );
  bench.backend.failure = undefined;
  await waitFor('both are announced', () => hasAll(bench));
  assert.equal(bench.logged.filter(isError).length, 1);
  assert.ok(bench.logged.some(({ msg }) => msg === 'routes can be changed again'));
});

test('what somebody else withdraws is announced again', async () => {
  await using bench = start();
  bench.announcer.start();
  await waitFor('both are announced', () => hasAll(bench));
  bench.backend.routes.delete('2001:db8::100');
  await waitFor('both are announced again', () => hasAll(bench));
  assert.deepEqual(bench.backend.done.slice(2), ['+2001:db8::100']);
});

test('a fall while an announcement is under way is not lost', async () => {
  await using bench = start();
  const { promise, resolve } = Promise.withResolvers<void>();
  bench.backend.announceGate = promise;
  bench.announcer.start();
  await waitFor('the announcement is under way', () => bench.backend.announcing > 0);
  bench.isGood = false;
  const isIll = () => bench.logged.some(({ msg }) => /not well/.test(String(msg)));
  await waitFor('the proxy is ill', isIll);
  resolve();
  await waitFor('both are withdrawn', () => bench.backend.done.length === 4);
  assert.equal(bench.backend.routes.size, 0);
});

test('a proxy that flaps is kept out, and the log says how long', async () => {
  await using bench = start({
    fall: 1,
    rise: 1,
    maxFalls: 2,
    holdStepMs: 60_000,
    holdMaxMs: 60_000,
  });
  bench.announcer.start();
  for (let falls = 0; falls < 3; falls++) {
    bench.isGood = true;
    await waitFor('both are announced', () => hasAll(bench));
    bench.isGood = false;
    await waitFor('both are withdrawn', () => bench.backend.routes.size === 0);
  }
  bench.isGood = true;
  const held = bench.logged.find(({ holdSeconds }) => holdSeconds !== undefined);
  assert.equal(held?.['holdSeconds'], 60);
  const looks = bench.logged.length;
  await waitFor('it looks on', () => bench.logged.length > looks);
  assert.equal(bench.backend.routes.size, 0);
});

test('at the end the addresses are withdrawn, also before any verdict', async () => {
  const bench = start({ rise: 1_000 });
  bench.backend.routes.add('192.0.2.100');
  bench.announcer.start();
  assert.equal(await bench.announcer.stop(), true);
  assert.deepEqual(bench.backend.done, ['-192.0.2.100']);
  assert.ok(bench.backend.isClosed);
});

test('keep: the end leaves the addresses as they are', async () => {
  const bench = start({}, 'keep');
  bench.announcer.start();
  await waitFor('both are announced', () => hasAll(bench));
  assert.equal(await bench.announcer.stop(), true);
  assert.ok(hasAll(bench));
});

test('an end that cannot withdraw says so', async () => {
  const bench = start();
  bench.announcer.start();
  await waitFor('both are announced', () => hasAll(bench));
  bench.backend.failure = 'gobgpd did not answer';
  assert.equal(await bench.announcer.stop(), false);
  assert.ok(bench.logged.some(({ error }) => error === 'gobgpd did not answer'));
});

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { GobgpBackend } from '../../src/announce/gobgp-backend.ts';
import { Lab } from '../lab/lab.ts';
import type { Program } from '../lab/program.ts';
import { waitFor } from '../lab/shell.ts';
import { tellTime } from '../lab/times.ts';
import {
  type AnnounceSettings,
  recordsOf,
  StandIn,
  startAnnouncer,
  waitForRecord,
} from './announcing.ts';
import {
  BOTH,
  Gobgpd,
  readConfiguration,
  requirePrograms,
  SERVICE_V4,
  startRouter,
  waitForRoutes,
} from './bgp-lab.ts';

/** On top of what the settings promise, for a busy machine. */
const SLACK_MS = 4_000;
/** fall 5 times interval 250 ms. */
const FALL_MS = 1_250;
/** Until the last of the looks that make a fall has found nobody: a timeout of 1.7 s more. */
const SILENCE_MS = FALL_MS + 1_700;

describe('announcing with gobgpd 3', { skip: requirePrograms('gobgpd') }, () => {
  let stack: AsyncDisposableStack;
  let lab: Lab;
  let router: Gobgpd;
  let node: Gobgpd;

  const start = (settings: AnnounceSettings = {}, args: readonly string[] = []): Program =>
    startAnnouncer(
      lab.proxy,
      {
        COLLECTOR_ANNOUNCE_GOBGP_ADDRESS: node.target,
        COLLECTOR_ANNOUNCE_HOLD_SECONDS: '0',
        COLLECTOR_ANNOUNCE_RISE: '1',
        ...settings,
      },
      args,
    );

  before(async () => {
    stack = new AsyncDisposableStack();
    lab = stack.use(await Lab.create());
    router = stack.use(await startRouter(lab));
    node = stack.use(await Gobgpd.start(lab.proxy, readConfiguration('gobgpd.toml')));
    // The sessions take some seconds: the tests measure what comes after.
    await using proxy = await StandIn.start(lab.proxy);
    await proxy.set('SERVING');
    await using announcer = start();
    await waitForRoutes(router, BOTH);
    await announcer.end();
    await waitForRoutes(router, []);
  });

  after(() => stack.disposeAsync());

  // Tests that kill the announcer leave routes behind.
  afterEach(async () => {
    const backend = new GobgpBackend(node.target, BOTH);
    for (const address of BOTH) await backend.withdraw(address);
    backend.close();
    await waitForRoutes(router, []);
  });

  /** Starts an announcer, and waits until it has announced. */
  const startWell = async (settings: AnnounceSettings = {}): Promise<Program> => {
    await using resources = new AsyncDisposableStack();
    const announcer = resources.use(start(settings));
    await waitForRecord(announcer, 'the proxy is well: it gets its share');
    await waitForRoutes(router, BOTH);
    resources.move();
    return announcer;
  };

  test('both addresses come and go with the health of the proxy', async (t) => {
    await using proxy = await StandIn.start(lab.proxy);
    await using announcer = await startWell({ COLLECTOR_ANNOUNCE_RISE: '4' });
    await proxy.set('NOT_SERVING');
    const goneMs = await waitForRoutes(router, []);
    await proxy.set('SERVING');
    const backMs = await waitForRoutes(router, BOTH);
    t.diagnostic(
      `NOT_SERVING: withdrawn after ${goneMs | 0} ms, SERVING: back after ${backMs | 0}`,
    );
    tellTime(
      'NOT_SERVING is withdrawn, SERVING announced',
      Math.max(goneMs, backMs),
      FALL_MS + SLACK_MS,
    );
    const gone = await waitForRecord(announcer, 'withdrawn');
    assert.equal(gone['reason'], 'NOT_SERVING');
  });

  test('a proxy that hangs (SIGSTOP) is withdrawn, and announced again when it goes on', async (t) => {
    await using proxy = await StandIn.start(lab.proxy);
    await using announcer = await startWell();
    proxy.signal('SIGSTOP');
    try {
      const goneMs = await waitForRoutes(router, []);
      t.diagnostic(`SIGSTOP: withdrawn after ${goneMs | 0} ms`);
      tellTime('a proxy that hangs is withdrawn', goneMs, SILENCE_MS + SLACK_MS);
      const record = await waitForRecord(announcer, 'withdrawn');
      assert.equal(record['reason'], 'no answer within 1700 ms');
    } finally {
      proxy.signal('SIGCONT');
    }
    await waitForRoutes(router, BOTH);
  });

  test('a proxy that is killed is withdrawn, and announced again when another one runs', async (t) => {
    await using proxy = await StandIn.start(lab.proxy);
    await using announcer = await startWell();
    proxy.signal('SIGKILL');
    const goneMs = await waitForRoutes(router, []);
    t.diagnostic(`SIGKILL: withdrawn after ${goneMs | 0} ms`);
    tellTime('a proxy that is killed is withdrawn', goneMs, FALL_MS + SLACK_MS);
    assert.match(
      String((await waitForRecord(announcer, 'withdrawn'))['reason']),
      /ECONNREFUSED|reset/,
    );
    await using _successor = await StandIn.start(lab.proxy);
    await waitForRoutes(router, BOTH);
  });

  test('an announcer that dies leaves the routes; the next one takes stock and disturbs nothing', async () => {
    await using proxy = await StandIn.start(lab.proxy);
    const first = await startWell();
    await first.end('SIGKILL');
    await using second = start();
    const stock = await waitForRecord(second, 'routes found at the start');
    assert.deepEqual(new Set(stock['announced'] as string[]), new Set(BOTH));
    await waitForRecord(second, 'the proxy is well: it gets its share');
    await proxy.set('NOT_SERVING');
    await waitForRoutes(router, []);
    assert.ok(!recordsOf(second).some(({ msg }) => msg === 'announced'));
  });

  test('an announcer that starts beside a dead proxy withdraws what it finds', async () => {
    await using backend = start({ COLLECTOR_ANNOUNCE_ON_EXIT: 'keep' });
    {
      await using _proxy = await StandIn.start(lab.proxy);
      await waitForRoutes(router, BOTH);
      await backend.end();
      assert.equal(backend.status, 0);
    }
    assert.deepEqual(new Set(await router.routes(true)), new Set(BOTH), 'keep has kept');
    await using _announcer = start();
    await waitForRoutes(router, []);
  });

  test('at its end it withdraws by default; --withdraw does the same when none runs', async () => {
    await using _proxy = await StandIn.start(lab.proxy);
    await using first = await startWell();
    await first.end('SIGTERM');
    assert.equal(first.status, 0);
    assert.deepEqual(await router.routes(true), []);
    await using second = start({ COLLECTOR_ANNOUNCE_ON_EXIT: 'keep' });
    await waitForRoutes(router, BOTH);
    await second.end('SIGINT');
    await using last = start({}, ['--withdraw']);
    await waitForRoutes(router, []);
    await waitFor('it ends', () => last.hasEnded);
    assert.equal(last.status, 0);
  });

  test('routes that are not ours stay', async () => {
    await using _proxy = await StandIn.start(lab.proxy);
    await using others = start({ COLLECTOR_ANNOUNCE_ADDRESSES: '203.0.113.1' });
    await waitForRoutes(router, ['203.0.113.1']);
    await using announcer = start({ COLLECTOR_ANNOUNCE_ADDRESSES: SERVICE_V4 });
    await waitForRoutes(router, ['203.0.113.1', SERVICE_V4]);
    await announcer.end();
    assert.deepEqual(await router.routes(true), ['203.0.113.1']);
    await others.end();
  });

  test('routes that gobgpd has lost by a restart are made again', async () => {
    await using _proxy = await StandIn.start(lab.proxy);
    await using announcer = start();
    await waitForRecord(announcer, 'announced', BOTH.length);
    await node.restart();
    assert.deepEqual(await node.routes(false), []);
    await waitFor(
      'gobgpd has the routes again',
      async () => (await node.routes(false)).length === BOTH.length,
    );
    const again = await waitForRecord(announcer, 'announced', BOTH.length + 1);
    assert.equal(again['reason'], 'the routes were not as they should be');
  });
});

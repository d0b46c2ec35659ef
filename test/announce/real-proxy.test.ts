import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { floxy, Service } from '../lab/service.ts';
import { attempt, run, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { endSteadyTraffic, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';
import { tellTime } from '../lab/times.ts';
import { type AnnounceSettings, startAnnouncer, waitForRecord } from './announcing.ts';
import {
  BOTH,
  Gobgpd,
  readConfiguration,
  requirePrograms,
  startRouter,
  waitForRoutes,
} from './bgp-lab.ts';

const DRAIN_SECONDS = 20;
const GONE_LIMIT_MS = 5_000;

describe('announcing the real proxy', { skip: requirePrograms('gobgpd') }, () => {
  let stack: AsyncDisposableStack;
  let stage: Stage;
  let router: Gobgpd;

  const drain = (...args: readonly string[]) =>
    attempt(['ip', 'netns', 'exec', stage.lab.proxy, floxy, 'drain', ...args]);

  before(async () => {
    stack = new AsyncDisposableStack();
    const settings = { COLLECTOR_FLOXY_DRAIN_SECONDS: String(DRAIN_SECONDS) };
    stage = stack.use(await Stage.start({ settings }));
    router = stack.use(await startRouter(stage.lab));
    const node = await Gobgpd.start(stage.lab.proxy, readConfiguration('gobgpd.toml'));
    stack.use(node);
    const announce: AnnounceSettings = { COLLECTOR_ANNOUNCE_GOBGP_ADDRESS: node.target };
    const announcer = stack.use(startAnnouncer(stage.lab.proxy, announce));
    const record = await waitForRecord(
      announcer,
      'the proxy is not well: the network has to do without it',
    );
    assert.match(String(record['reason']), /the node has never had rules/);
    await stage.api.replace(STEADY_RULES);
    await waitForRoutes(router, BOTH);
  });

  after(() => stack.disposeAsync());

  test('floxy drain takes the node out, and --cancel brings it back', async (t) => {
    const startMs = performance.now();
    const drained = drain();
    await waitForRoutes(router, []);
    t.diagnostic(`drain: withdrawn after ${(performance.now() - startMs) | 0} ms`);
    const { status, stdout, stderr } = await drained;
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^drained after \d+\.\d s, 0 packets/);
    assert.equal((await drain('--cancel')).status, 0);
    await waitForRoutes(router, BOTH);
  });

  test('SIGTERM withdraws, and forwards all that still comes until nothing comes any more', async () => {
    await startSteadyTraffic(stage, 1_000);
    await waitFor('packets come', async () => {
      const { forwarders } = await stage.api.status();
      return forwarders.some(({ received }) => Number(received.packets) > 100);
    });
    process.kill(stage.service.pid, 'SIGTERM');
    await waitForRoutes(router, []);
    // More than a drain takes at least, and less than it may take.
    await waitFor('it drains', () => /draining before the end/.test(stage.service.log));
    const status = await drain('--limit', '3');
    assert.equal(status.status, 1);
    assert.match(status.stderr, /packets still come after 3\.\d s/);
    assert.equal(stage.service.hasEnded, false);
    const { missing } = await endSteadyTraffic(stage);
    assert.equal(missing, 0);
    assert.equal(await stage.service.waitForEnd(), 0);
    assert.match(stage.service.log, /"msg":"drained: no more packets come"/);
  });

  test('kill -9 of all processes of the proxy: withdrawn', async (t) => {
    await using service = await Service.start(stage.lab);
    await service.api.replace(STEADY_RULES);
    await waitForRoutes(router, BOTH);
    const pids = [service.pid, ...(await service.forwarderPids())];
    await run(['kill', '-9', ...pids.map(String)]);
    const goneMs = await waitForRoutes(router, []);
    t.diagnostic(`kill -9: withdrawn after ${goneMs | 0} ms`);
    tellTime('all processes of the proxy are killed: withdrawn', goneMs, GONE_LIMIT_MS);
  });
});

/**
 * Two real services in two namespaces with one rule set: the one beside the exporters follows the one beside
 * the collectors.
 *
 * FLOXY_CUT_SECONDS says how long the network between them is cut; 600 shows the ten minutes.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiFailure } from '../lab/api.ts';
import { GRPC, type SystemStatusMessage } from '../lab/api.ts';
import { Capture } from '../lab/capture.ts';
import { COLLECTOR_HOST_V4, Lab } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { proxyFor } from '../lab/stage.ts';
import { tellTime } from '../lab/times.ts';
import { UdpSockets } from '../lab/traffic.ts';

const CUT_SECONDS = Number(process.env['FLOXY_CUT_SECONDS'] ?? 8);
const LIMIT_MS = 1000;
const LEADER = `${COLLECTOR_HOST_V4}:8853`;

/** Rules for exporters 203.0.113.1 and on, as many as wanted. */
function rulesFor(count: number) {
  const rules = Array.from({ length: count }, (_, i) => ({
    exporter: { host: `203.0.113.${i + 1}` },
    outputs: [[{ host: '198.51.100.1', port: 10_001 + i }]],
  }));
  return { rules };
}

class Pair implements AsyncDisposable {
  readonly lab: Lab;
  readonly #resources: AsyncDisposableStack;
  leader: Service;
  readonly follower: Service;
  readonly exporters: UdpSockets;
  readonly capture: Capture;

  private constructor(
    parts: Pick<Pair, 'lab' | 'leader' | 'follower' | 'exporters' | 'capture'>,
    resources: AsyncDisposableStack,
  ) {
    this.lab = parts.lab;
    this.leader = parts.leader;
    this.follower = parts.follower;
    this.exporters = parts.exporters;
    this.capture = parts.capture;
    this.#resources = resources;
  }

  static async start(): Promise<Pair> {
    await using resources = new AsyncDisposableStack();
    const lab = resources.use(await Lab.create());
    const leader = resources.use(await startLeader(lab));
    await leader.api.replace(rulesFor(1));
    const settings = { COLLECTOR_FLOXY_FOLLOW: LEADER };
    const follower = resources.use(await Service.start(lab, { settings }));
    const exporters = resources.use(await UdpSockets.start(lab.exporters));
    const capture = resources.use(await Capture.start(lab.collectors, 'prx'));
    return new Pair({ lab, leader, follower, exporters, capture }, resources.move());
  }

  async followed(): Promise<NonNullable<SystemStatusMessage['follower']>> {
    const { follower } = await this.follower.api.status();
    assert.ok(follower);
    return follower;
  }

  /** Waits until a packet of the last exporter is forwarded by its rule. @returns how long it took, in ms */
  async forwards(count: number): Promise<number> {
    const start = performance.now();
    const from = { host: `203.0.113.${count}`, port: 5000 };
    await waitFor(
      `the follower forwards by rule ${count}`,
      async () => {
        await this.exporters.send([{ from, to: proxyFor(from.host), payload: Buffer.from('x') }]);
        return this.capture
          .arrived()
          .some((copy) => copy.source === from.host && copy.destinationPort === 10_000 + count);
      },
      HANG_MS,
      20,
    );
    return performance.now() - start;
  }

  /** Drops every packet between the two APIs without a word. */
  async cut(): Promise<void> {
    const drop = (hook: string, match: string) =>
      `add chain inet cut ${hook} { type filter hook ${hook} priority 0; }; add rule inet cut ${hook} ${match} drop`;
    const rules = [
      'add table inet cut',
      drop('input', 'tcp sport 8853'),
      drop('output', 'tcp dport 8853'),
    ];
    // Its own API stays reachable over loopback.
    await this.lab.run(this.lab.proxy, [
      'nft',
      rules.join('; ').replaceAll('tcp ', `ip saddr != 127.0.0.1 tcp `),
    ]);
  }

  async mend(): Promise<void> {
    await this.lab.run(this.lab.proxy, ['nft', 'delete table inet cut']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function startLeader(lab: Lab, folder?: string): Promise<Service> {
  return Service.start(lab, {
    namespace: lab.collectors,
    settings: {
      COLLECTOR_API_ADDRESS: '0.0.0.0',
      COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow',
      COLLECTOR_FLOXY_THREAD_COUNT: '1',
    },
    ...(folder !== undefined && { folder }),
  });
}

describe('following', { skip: requireRoot() }, () => {
  test('packets go by a change at the leader', async () => {
    await using pair = await Pair.start();
    await pair.forwards(1);
    for (const count of [2, 3, 4]) {
      await pair.leader.api.replace(rulesFor(count));
      tellTime('packets go by a change at the leader', await pair.forwards(count), LIMIT_MS);
    }
    // Packets go by rules shortly before all of it says so.
    await waitFor('it is told', async () => (await pair.followed()).lag_revisions === '0');
    const { state, leader, lag_revisions, applied_revision, overridden, error } =
      await pair.followed();
    assert.deepEqual(
      { state, leader, lag_revisions, applied_revision, overridden, error },
      {
        state: 'Connected',
        leader: LEADER,
        lag_revisions: '0',
        applied_revision: '4',
        overridden: false,
        error: undefined,
      },
    );
    await pair.follower.stop();
    await pair.leader.stop();
  });

  test(`a change made during a cut of ${CUT_SECONDS} s is there after its end; meanwhile the old rules work`, async () => {
    await using pair = await Pair.start();
    await pair.forwards(1);
    await pair.cut();
    await pair.leader.api.replace(rulesFor(2));
    const isNoticed = async () => (await pair.followed()).state === 'Disconnected';
    await waitFor('the cut is noticed', isNoticed);
    const end = performance.now() + CUT_SECONDS * 1000;
    while (performance.now() < end) {
      await delay(Math.min(1000, Math.max(0, end - performance.now())));
      const { seconds_since_contact = 0 } = await pair.followed();
      assert.ok(seconds_since_contact > 2);
    }
    assert.equal((await pair.follower.api.rules()).rules.length, 1);
    assert.equal((await pair.follower.api.status()).proxy.state, 'OK');
    await pair.mend();
    tellTime('a follower has what it missed in a cut', await pair.forwards(2), LIMIT_MS);
    await waitFor('it is told', async () => (await pair.followed()).state === 'Connected');
  });

  test('a follower outlives its leader, refuses changes unless they are meant, and finds the leader again', async () => {
    await using pair = await Pair.start();
    const { api } = pair.follower;
    await assert.rejects(api.replace(rulesFor(9)), (error: ApiFailure) => {
      assert.equal(error.code, GRPC.FAILED_PRECONDITION);
      assert.ok(error.details.includes(LEADER), error.details);
      return true;
    });
    await pair.leader.stop();
    const headers = { 'collector-override-follower': 'true' };
    const exporters = [{ endpoint: { host: '203.0.113.1' } }];
    await api.call('Settings', 'DeleteProxyRules', { exporters }, { headers });
    assert.ok((await pair.followed()).overridden);
    await using leader = await startLeader(pair.lab, pair.leader.folder);
    await leader.api.replace(rulesFor(3));
    tellTime('a follower finds its leader again', await pair.forwards(3), LIMIT_MS);
    // Packets go by rules shortly before all of it says so.
    await waitFor('it follows again', async () => !(await pair.followed()).overridden);
    await leader.stop();
  });
});

/**
 * What can happen to a node, and what it costs: each scenario does it under full traffic, counts the packets that
 * the collector did not get, and fails when they are others than docs/high-availability.md says. The times that it
 * promises are told with the limit.
 */
import assert from 'node:assert/strict';
import { LinkDrops } from '../lab/link-drops.ts';
import { waitFor } from '../lab/shell.ts';
import type { HaLab } from './ha-lab.ts';
import { NODE_NAMES, type NodeName } from './network.ts';
import { monotonicMs } from './program.ts';
import {
  assertNothingLost,
  CALM_MS,
  type Figures,
  figures,
  suffer,
  withoutLoss,
} from './trouble.ts';

export interface Scenario {
  readonly title: string;
  /** What has to hold, in words. */
  readonly promise: string;
  run(lab: HaLab): Promise<Figures>;
}

const KILL_LIMIT_MS = 1_500;
const HANG_LIMIT_MS = 3_000;
const HOLD_TIME_MS = 3_000;
/** 5 times 200 ms, see router.conf. */
const BFD_TIME_MS = 1_000;
/** From the time that a failure is noticed to the change of the route, on a busy machine. */
const SLACK_MS = 500;

/**
 * The announcer of the lab withdraws after 5 bad looks in a row, 250 ms apart: after 1 s at the earliest, less the
 * time until it tries to connect again.
 */
const PATIENCE_MS = 800;
const RESTART_ATTEMPTS = 3;

/** Bad looks of the announcer at a proxy that is gone take no longer to withdraw the route: 5, 250 ms apart. */
const FALL_MS = 1_250;

const FOLLOW_LIMIT_MS = 1_000;

const killed: Scenario = {
  title: 'all processes of the proxy killed (kill -9), gobgpd lives',
  promise: 'loss ends within 1.5 s; the route is gone, and back after the restart',
  run: (lab) =>
    suffer(lab, {
      node: 'a',
      strike: () => lab.nodes.a.killProxy(),
      mend: async () => lab.nodes.a.startProxy(),
      limitMs: KILL_LIMIT_MS,
    }),
};

const controlHangs: Scenario = {
  title: 'control hangs (SIGSTOP)',
  promise: 'loss ends within 3 s (forwarders go on); the route is gone, and back afterwards',
  run: (lab) =>
    suffer(lab, {
      node: 'b',
      strike: async () => lab.nodes.b.signalControl('SIGSTOP'),
      mend: async () => lab.nodes.b.signalControl('SIGCONT'),
      limitMs: HANG_LIMIT_MS,
    }),
};

const forwardersHang: Scenario = {
  title: 'all forwarders hang (SIGSTOP)',
  promise: 'loss ends within 3 s: control replaces them, or the route goes first',
  run: (lab) =>
    suffer(lab, {
      node: 'a',
      strike: () => lab.nodes.a.signalForwarders('SIGSTOP'),
      mend: () => lab.nodes.a.waitUntilReady(),
      limitMs: HANG_LIMIT_MS,
      mayKeepRoute: true,
    }),
};

function powerOff(node: NodeName, how: string, timeMs: number): Scenario {
  return {
    title: `power off (links down), noticed by ${how}`,
    promise: `loss ends within ${(timeMs / 1000).toFixed(0)} s and what the change of the route takes`,
    run: (lab) =>
      suffer(lab, {
        node,
        strike: () => lab.network.setPower(node, false),
        mend: () => lab.network.setPower(node, true),
        limitMs: timeMs + SLACK_MS,
      }),
  };
}

const drained: Scenario = {
  title: '`floxy drain`, then `floxy drain --cancel`',
  promise: '0 lost',
  run: (lab) =>
    withoutLoss(lab, async () => {
      const said = await lab.nodes.a.floxy('drain');
      assert.deepEqual(lab.router.nodes, ['b'], 'the router does without the drained node');
      await lab.nodes.a.floxy('drain', '--cancel');
      await lab.router.waitForNodes(NODE_NAMES);
      return { notes: said.trim() };
    }),
};

const terminated: Scenario = {
  title: 'SIGTERM with COLLECTOR_FLOXY_DRAIN_SECONDS, then a new start',
  promise: '0 lost',
  run: (lab) =>
    withoutLoss(lab, async () => {
      const startMs = monotonicMs();
      assert.equal(await lab.nodes.b.terminate(), 0, lab.nodes.b.log);
      const tookMs = monotonicMs() - startMs;
      assert.deepEqual(lab.router.nodes, ['a'], 'the router does without the node that has ended');
      lab.nodes.b.startProxy();
      await lab.router.waitForNodes(NODE_NAMES);
      return { notes: `ended after ${seconds(tookMs)}` };
    }),
};

const upgraded: Scenario = {
  title: '`floxy upgrade` under a service manager',
  promise: '0 lost',
  run: (lab) =>
    withoutLoss(lab, async () => {
      const startMs = monotonicMs();
      const said = await lab.nodes.a.floxy('upgrade', '--supervised');
      return { notes: `${said.trim()}; ${lab.router.changesSince(startMs)} changes of the route` };
    }),
};

const controlKilled: Scenario = {
  title: 'control killed (kill -9) and started again by a service manager',
  promise: '0 lost, the route stays unless the restart takes longer than the announcer waits',
  run: (lab) =>
    withoutLoss(lab, async () => {
      const slow: string[] = [];
      for (let attempt = 0; attempt < RESTART_ATTEMPTS; attempt++) {
        const { tookMs, changes } = await killControl(lab);
        const notes = `OK again after ${seconds(tookMs)}`;
        if (changes === 0) return { notes: [...slow, notes].join('; ') };
        assert.ok(tookMs > PATIENCE_MS, `${notes}, and yet the route changed ${changes} times`);
        slow.push(`${notes} on a busy machine, too late for the route to stay`);
      }
      return { notes: slow.join('; ') };
    }),
};

async function killControl(lab: HaLab): Promise<{ tookMs: number; changes: number }> {
  const node = lab.nodes.b;
  await lab.router.waitForNodes(NODE_NAMES);
  const startMs = monotonicMs();
  const before = node.controlPid;
  node.killControl();
  await waitFor('control is another process', () => node.controlPid !== before);
  await node.waitUntilReady();
  const tookMs = monotonicMs() - startMs;
  await lab.flow(FALL_MS + CALM_MS);
  return { tookMs, changes: lab.router.changesSince(startMs) };
}

const shared: Scenario = {
  title: 'both nodes well',
  promise: 'both nodes carry traffic, each exporter stays on one; 0 lost',
  run: async (lab) => {
    const links = await LinkDrops.start(lab.network.linkEnds());
    const startMs = monotonicMs();
    await lab.flow(2_000);
    const tally = await lab.tallySince(startMs);
    await assertNothingLost(tally, links, 'with both nodes well');
    assert.equal(tally.wanderers, 0, 'exporters came through both nodes');
    const [a = 0, b = 0] = tally.exportersByWay.map(({ size }) => size);
    assert.ok(Math.min(a, b) >= (a + b) / 4, `${a} exporters on node a, ${b} on node b`);
    const [packetsA = 0, packetsB = 0] = tally.byWay;
    const notes = `${a} and ${b} exporters, ${packetsA} and ${packetsB} packets by node`;
    return { ...figures(tally), notes };
  },
};

/** @param cutSeconds how long the nodes do not hear each other */
function followed(cutSeconds: number): Scenario {
  return {
    title: `rules changed on node a, also while node b was cut off for ${cutSeconds} s`,
    promise: 'node b has them within 1 s (of the end of the cut); 0 lost',
    run: (lab) =>
      withoutLoss(lab, async () => {
        const soonMs = await changeAndWait(lab, '100.64.9.1');
        await lab.network.setManagementPath(false);
        await addRule(lab, '100.64.9.2');
        await lab.flow(cutSeconds * 1000);
        assert.ok(!(await hasRule(lab, '100.64.9.2')), 'the cut cuts');
        const mendedMs = monotonicMs();
        await lab.network.setManagementPath(true);
        const laterMs = await waitForRule(lab, '100.64.9.2', mendedMs);
        const notes = `there after ${soonMs.toFixed(0)} ms, ${laterMs.toFixed(0)} ms after the end of the cut`;
        return { notes, took: { ms: Math.max(soonMs, laterMs), limitMs: FOLLOW_LIMIT_MS } };
      }),
  };
}

async function changeAndWait(lab: HaLab, exporter: string): Promise<number> {
  const startMs = monotonicMs();
  await addRule(lab, exporter);
  return waitForRule(lab, exporter, startMs);
}

async function addRule(lab: HaLab, host: string): Promise<void> {
  await lab.nodes.a.api.update({ rules: [{ exporter: { host }, outputs: [] }] });
}

async function hasRule(lab: HaLab, host: string): Promise<boolean> {
  const { rules } = await lab.nodes.b.api.rules();
  return rules.some(({ exporter }) => exporter.endpoint.host === host);
}

/** @returns ms since a time */
async function waitForRule(lab: HaLab, host: string, sinceMs: number): Promise<number> {
  await waitFor(`node b has the rule of ${host}`, () => hasRule(lab, host));
  return monotonicMs() - sinceMs;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** In the order in which they run: a scenario leaves the lab as it found it. */
export function scenarios(cutSeconds: number): readonly Scenario[] {
  return [
    shared,
    killed,
    controlHangs,
    forwardersHang,
    powerOff('a', 'BFD (5 times 200 ms)', BFD_TIME_MS),
    powerOff('b', 'the hold time of BGP (3 s)', HOLD_TIME_MS),
    drained,
    terminated,
    upgraded,
    controlKilled,
    followed(cutSeconds),
  ];
}

/** How long node b is cut off: FLOXY_HA_CUT_SECONDS, default 5. */
export function readCutSeconds(env: NodeJS.ProcessEnv): number {
  const text = env['FLOXY_HA_CUT_SECONDS'] ?? '5';
  const seconds = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 4 && seconds <= 3600) return seconds;
  throw new Error(`FLOXY_HA_CUT_SECONDS is ${text}: it must be a number of seconds from 4 to 3600`);
}

/** One engine that receives at two ports: settings have one so far. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { SubsystemStatus } from '../../src/model/status.ts';
import { Agent } from '../lab/agent.ts';
import { Capture } from '../lab/capture.ts';
import type { ControlOptions, ControlRules } from '../lab/control-agent.ts';
import { Lab, makeFolder } from '../lab/lab.ts';
import { LinkDrops } from '../lab/link-drops.ts';
import { requireRoot } from '../lab/require-root.ts';
import { isAlive, waitFor } from '../lab/shell.ts';
import { proxyFor } from '../lab/stage.ts';
import { UdpSockets } from '../lab/traffic.ts';

const PORTS = [2055, 4739] as const;
/** The one has a collector without a port, the other one with. */
const EXPORTERS = ['203.0.113.1', '203.0.113.2', '2001:db8:e::3'];
const RULES: ControlRules = {
  rules: { '203.0.113.1': ['198.51.100.1'], '203.0.113.2': ['198.51.100.2:9'] },
  defaults: ['2001:db8:c::3'],
};
/** Where packets of each exporter go that arrived at a port. */
const destinations = (port: number) => [
  `198.51.100.1 ${port}`,
  '198.51.100.2 9',
  `2001:db8:c::3 ${port}`,
];

/** epoll_wait and epoll_pwait of x86-64 and arm64: no packet is on its way between receiving and sending. */
const WAITING = /^(232|281|22) /;

/** One that is stopped, and killed later, loses the batch in its hands: that is not the question here. */
function signalBetweenBatches(pid: number, signal: NodeJS.Signals): Promise<unknown> {
  return waitFor('it waits for packets', () => {
    process.kill(pid, signal);
    if (signal !== 'SIGSTOP') return true;
    if (WAITING.test(readFileSync(`/proc/${pid}/syscall`, 'utf8'))) return true;
    process.kill(pid, 'SIGCONT');
    return false;
  });
}

describe('two listeners', { skip: requireRoot() }, () => {
  let lab: Lab;
  let exporters: UdpSockets;
  let capture: Capture;
  let drops: LinkDrops;
  let control: Agent;
  let runtimeDirectory: string;

  beforeEach(async () => {
    lab = await Lab.create();
    runtimeDirectory = makeFolder('runtime');
    exporters = await UdpSockets.start(lab.exporters);
    capture = await Capture.start(lab.collectors, 'prx');
    drops = await LinkDrops.start(lab.linkEnds);
  });
  afterEach(async () => {
    await control[Symbol.asyncDispose]();
    await exporters[Symbol.asyncDispose]();
    await capture[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
    rmSync(runtimeDirectory, { recursive: true, force: true });
  });

  async function startControl(ports: readonly number[] = PORTS): Promise<Agent> {
    control = await Agent.start(lab.proxy, './control-agent.ts');
    const listeners = ports.map((port) => `[::]:${port}`);
    const options: ControlOptions = { listeners, forwarders: 2, runtimeDirectory };
    await control.ask('start', options);
    await control.ask('replace', RULES);
    await waitForState('OK');
    return control;
  }

  const status = () => control.ask<SubsystemStatus>('status');

  async function waitForState(state: SubsystemStatus['state']): Promise<SubsystemStatus> {
    let seen: SubsystemStatus | undefined;
    const isThere = async () => {
      seen = await status();
      return seen.state === state && seen;
    };
    return waitFor(() => `${state}; it is ${JSON.stringify(seen)}`, isThere);
  }

  const streams = (ports: readonly number[]) =>
    ports.flatMap((port) =>
      EXPORTERS.map((host, i) => ({
        stream: port * 10 + i,
        from: { host, port: 20_000 + port },
        to: proxyFor(host, port),
        sizes: { fixed: 100 },
      })),
    );

  const startTraffic = (ports: readonly number[] = PORTS) =>
    exporters.startTraffic({ name: 'steady', streams: streams(ports), packetsPerSecond: 900 });

  const waitForMore = (packets: number) => {
    const before = capture.arrived().length;
    return waitFor(`${packets} more arrive`, () => capture.arrived().length > before + packets);
  };

  /** Each packet has to arrive once, and where it belongs; each is counted once. */
  async function endTraffic(ports: readonly number[] = PORTS): Promise<void> {
    const { sentPerStream, failed } = await exporters.stopTraffic('steady');
    assert.equal(failed, 0);
    const inOrder = (counts: Record<string, number>) => Object.entries(counts).sort();
    const expected: Record<string, number> = {};
    for (const to of ports.flatMap(destinations)) {
      expected[to] = (expected[to] ?? 0) + sentPerStream;
    }
    const sent = sentPerStream * ports.length * EXPORTERS.length;
    const seen = () => `${sent} packets arrive; ${capture.arrived().length} have`;
    await waitFor(seen, async () => capture.arrived().length + (await drops.total()) >= sent);
    const counts: Record<string, number> = {};
    const payloads = new Set<string>();
    for (const { destination, destinationPort, payload } of capture.arrived()) {
      const to = `${destination} ${destinationPort}`;
      counts[to] = (counts[to] ?? 0) + 1;
      payloads.add(payload.toString('latin1', 0, 8));
    }
    assert.equal(await drops.total(), 0, 'the machine dropped frames');
    assert.deepEqual(inOrder(counts), inOrder(expected));
    assert.equal(payloads.size, sent);
    const inputs = EXPORTERS.map(() => sentPerStream * ports.length);
    assert.deepEqual(await control.ask('inputs'), inputs);
  }

  test('R5: packets of both arrive, and a collector without a port gets them at the port of arrival', async () => {
    await startControl();
    await startTraffic();
    await waitForMore(600);
    await endTraffic();
  });

  test('each has test datagrams of its own', async () => {
    await startControl();
    for (const port of PORTS) {
      const drop = `table inet floxy_test { chain input { type filter hook input priority 0; iif lo udp dport ${port} drop; }; }`;
      await lab.run(lab.proxy, ['nft', ...drop.split(' ')]);
      const { error } = await waitForState('Configuring');
      assert.match(error ?? '', new RegExp(`127\\.0\\.0\\.1:${port}`));
      await lab.run(lab.proxy, ['nft', 'delete', 'table', 'inet', 'floxy_test']);
      await waitForState('OK');
    }
  });

  for (const [what, signal] of [
    ['run', 'SIGCONT'],
    ['are stopped', 'SIGSTOP'],
  ] as const) {
    test(`takeover keeps both sockets of forwarders that ${what}, with what waits in them`, async () => {
      const before = await startControl();
      await startTraffic();
      await waitForMore(300);
      const pids = await before.ask<number[]>('pids');
      process.kill(before.pid, 'SIGKILL');
      for (const pid of pids) await signalBetweenBatches(pid, signal);
      // By their addresses, not by their order.
      await startControl(PORTS.toReversed());
      await waitForMore(600);
      await waitFor('the old ones are gone', () => !pids.some(isAlive));
      await endTraffic();
    });
  }

  test('a control with one listener more takes over, too', async () => {
    const before = await startControl([PORTS[0]]);
    await startTraffic([PORTS[0]]);
    await waitForMore(300);
    process.kill(before.pid, 'SIGKILL');
    await startControl();
    await waitForMore(300);
    await endTraffic([PORTS[0]]);
  });
});

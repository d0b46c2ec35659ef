/** Copies as frames, of either engine, while the network around the proxy changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForwarderMessage } from '../lab/api.ts';
import { ip } from '../lab/namespaces.ts';
import { requireRoot } from '../lab/require-root.ts';
import type { Settings } from '../lab/service.ts';
import { Stage } from '../lab/stage.ts';
import {
  accountFor,
  endSteadyTraffic,
  STEADY_COLLECTOR,
  STEADY_RULES,
  STEADY_STREAMS,
  startSteadyTraffic,
} from '../lab/steady-traffic.ts';
import { allowedCores, confine, receiveOn } from '../load/machine.ts';

const BY_SOCKETS = { COLLECTOR_FLOXY_ENGINE: 'socket', COLLECTOR_FLOXY_SENDER: 'link' };
const IN_KERNEL = { COLLECTOR_FLOXY_ENGINE: 'kernel' };
const NETWORK = '2001:db8:c::/48';
const GATEWAY = 'fd00:2::2';
const OTHER_GATEWAY = 'fd00:2::3';
/** Between two changes: longer than control takes to notice one. */
const PAUSE_MS = 150;
const CHANGES = 10;

/** What takes the link of the collectors away from the proxy, and gives it back as the lab made it. */
const DOWN = ['link set col down'];
const UP = [
  'link set col up',
  'addr replace fd00:2::1/64 dev col nodad',
  `neigh replace ${GATEWAY} lladdr 02:f1:00:00:02:02 dev col nud permanent`,
  `route replace ${NETWORK} via ${GATEWAY} dev col`,
];

async function startStage(settings: Settings): Promise<Stage> {
  const stage = await Stage.start({ settings });
  await useOneCore(stage);
  await stage.api.replace(STEADY_RULES);
  return stage;
}

/**
 * The kernel itself lets packets overtake those that have waited for a neighbour, while it tells them on and another
 * processor sends (neigh_update, net/core/neighbour.c), and those that came by a veth of another processor: so one does it
 * all.
 */
async function useOneCore({ lab, service }: Stage): Promise<void> {
  const [core = 0] = allowedCores();
  for (const pid of await service.forwarderPids()) await confine(pid, [core]);
  await receiveOn(lab.proxy, 'exp', core);
  await receiveOn(lab.proxy, 'col', core);
  await receiveOn(lab.collectors, 'prx', core);
}

async function sumOf(
  stage: Stage,
  count: (forwarder: ForwarderMessage) => number,
): Promise<number> {
  const { forwarders } = await stage.api.status();
  return forwarders.reduce((sum, forwarder) => sum + count(forwarder), 0);
}

const framesOf = (stage: Stage) => sumOf(stage, ({ frames }) => Number(frames));
const handledOf = async (stage: Stage) =>
  Number((await stage.api.status()).kernel_engine?.handled.packets ?? 0);
/**
 * What makes frames, how many of a traffic of one copy a packet have been made, and the share that is the least to be
 * expected: for a second after a packet went up, those of its exporter do.
 */
const MAKERS = [
  { name: 'of forwarders', settings: BY_SOCKETS, framesOf, least: 1 / 4 },
  { name: 'of the kernel', settings: IN_KERNEL, framesOf: handledOf, least: 0 },
] as const;
const forwardedOf = (stage: Stage) => sumOf(stage, ({ forwarded }) => Number(forwarded.packets));
const errorsOf = (stage: Stage) =>
  sumOf(stage, ({ send_errors }) => send_errors.reduce((sum, { count }) => sum + Number(count), 0));

/** While traffic goes on. */
async function changeOften(change: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < CHANGES; i++) {
    await change(i);
    await sleep(PAUSE_MS);
  }
}

function describeMaker({ name, settings, framesOf: made, least }: (typeof MAKERS)[number]): void {
  describe(`frames ${name}, while the network changes`, { skip: requireRoot() }, () => {
    test('R12 R28: a neighbour that is forgotten and found again costs no packet', async () => {
      await using stage = await startStage(settings);
      await startSteadyTraffic(stage);
      await changeOften(() => ip(stage.lab.proxy, [`neigh del ${GATEWAY} dev col`]));
      const { sent, missing } = await endSteadyTraffic(stage);
      assert.equal(missing, 0);
      const frames = await made(stage);
      assert.ok(frames > (sent * least) / 2, `${frames} of ${sent} copies left as frames`);
      assert.ok(frames < sent, 'some had to wait for the neighbour');
    });

    test('R12 R28: packets follow the route to another gateway, and back', async () => {
      await using stage = await startStage(settings);
      await ip(stage.lab.collectors, [`addr add ${OTHER_GATEWAY}/64 dev prx nodad`]);
      await startSteadyTraffic(stage);
      await changeOften((i) => {
        const gateway = i % 2 === 0 ? OTHER_GATEWAY : GATEWAY;
        return ip(stage.lab.proxy, [`route replace ${NETWORK} via ${gateway} dev col`]);
      });
      const { sent, missing } = await endSteadyTraffic(stage);
      assert.equal(missing, 0);
      assert.ok((await made(stage)) > sent * least, 'copies left as frames');
    });

    test('S2 R28: a link that goes down and up: each copy has left, or is an error', async () => {
      await using stage = await startStage(settings);
      await startSteadyTraffic(stage);
      await changeOften((i) => ip(stage.lab.proxy, i % 2 === 0 ? DOWN : UP));
      const { sentPerStream } = await stage.exporters.stopTraffic('steady');
      const sent = sentPerStream * STEADY_STREAMS;
      const { arrived, dropped } = await stage.settleWithLosses(sent);
      const forwarded = await forwardedOf(stage);
      const errors = await errorsOf(stage);
      assert.equal(forwarded + errors, sent);
      assert.ok(errors > 0, 'there was no way for a while');
      const { missing } = accountFor(arrived, forwarded);
      assert.ok(
        missing <= dropped,
        `${missing} of ${forwarded} are missing, the link lost ${dropped}`,
      );
      assert.ok((await made(stage)) > sent * least, 'frames leave again');
    });
  });
}

for (const maker of MAKERS) describeMaker(maker);

describe('frames, while the MTU changes', { skip: requireRoot() }, () => {
  test('R8 R28: what no longer fits the MTU of the link leaves in parts', async () => {
    await using stage = await startStage(BY_SOCKETS);
    const from = { host: '2001:db8:e::10', port: 4000 };
    const shots = Array.from({ length: 20 }, (_, i) => ({ from, payload: Buffer.alloc(1300, i) }));
    for (const mtu of [1500, 1280, 1500, 1290]) {
      await ip(stage.lab.proxy, [`link set col mtu ${mtu}`]);
      const arrived = await stage.exchange(shots);
      assert.equal(arrived.length, shots.length);
      for (const [i, { payload, destination, largestPacketBytes }] of arrived.entries()) {
        assert.equal(destination, STEADY_COLLECTOR.host);
        assert.ok(payload.equals(Buffer.alloc(1300, i)), `packet ${i} at MTU ${mtu}`);
        assert.ok(largestPacketBytes <= mtu, `${largestPacketBytes} bytes at MTU ${mtu}`);
      }
    }
  });
});

/** R27: flow at several addresses and ports. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PROXY_V4, PROXY_V6 } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { proxyFor, Stage } from '../lab/stage.ts';
import {
  endSteadyTraffic,
  STEADY_RULES,
  STEADY_STREAMS,
  startSteadyTraffic,
} from '../lab/steady-traffic.ts';
import { UdpSockets } from '../lab/traffic.ts';

const ORPHANS = { COLLECTOR_FLOXY_ORPHAN_SECONDS: '60' };
const PACKETS_PER_SECOND = 1500;
const at = (address: string) => ({ ...ORPHANS, COLLECTOR_FLOXY_ADDRESS: address });

/** A packet of an IPv4 and one of an IPv6 exporter to this port. */
const shots = (port: number) =>
  ['203.0.113.1', '2001:db8:e::1'].map((host) => ({
    from: { host, port: 5000 },
    to: proxyFor(host, port),
    payload: Buffer.from(`${host} to ${port}`),
  }));

/** Ends control as an upgrade does; its forwarders go on. */
async function leave({ service }: Stage): Promise<void> {
  process.kill(service.pid, 'SIGUSR2');
  await service.waitForEnd();
}

const succeed = (stage: Stage, address: string) =>
  Service.start(stage.lab, { folder: stage.service.folder, settings: at(address) });

const arrivesMore = (stage: Stage, packets: number) => {
  const before = stage.capture.arrived().length;
  return waitFor('packets arrive', () => stage.capture.arrived().length > before + packets);
};

/**
 * Nothing may be missing. Where packets come to other addresses than before, they may pass each other, as between
 * forwarders.
 */
async function endOf(stage: Stage, before: string, after: string) {
  const ofPort = (list: string) => list.split(',').filter((one) => one.endsWith(':2055'));
  const isSame = `${ofPort(before)}` === `${ofPort(after)}`;
  if (isSame) return { isSame, ...(await endSteadyTraffic(stage)) };
  const { sentPerStream } = await stage.exporters.stopTraffic('steady');
  const sent = sentPerStream * STEADY_STREAMS;
  const arrived = await stage.settle(sent);
  const numbers = new Set(arrived.map(({ payload }) => payload.toString('latin1', 0, 8)));
  assert.deepEqual([arrived.length, numbers.size], [sent, sent]);
  return { isSame, sent };
}

describe('several listeners', { skip: requireRoot() }, () => {
  test('R27: packets come in at each address, and leave at the port of arrival where there is no other', async () => {
    const ports = [2055, 4739, 6343];
    const settings = at(`${PROXY_V4}:2055, [::]:2055,[::]:4739 ,:6343`);
    await using stage = await Stage.start({ settings });
    const outputs = [[{ host: '2001:db8:c::1' }], [{ host: '2001:db8:c::2', port: 9 }]];
    await stage.api.replace({ rules: [], defaultOutputs: outputs });
    const arrived = await stage.exchange(ports.flatMap(shots));
    const seen = arrived.map(
      (copy) => `${copy.payload} ${copy.destination} ${copy.destinationPort}`,
    );
    const expected = ports
      .flatMap(shots)
      .flatMap(({ payload, to: { port } }) => [
        `${payload} 2001:db8:c::1 ${port}`,
        `${payload} 2001:db8:c::2 9`,
      ]);
    assert.deepEqual(seen.toSorted(), expected.toSorted());
    const { listeners } = await stage.api.status();
    // The narrower one has what is for it.
    const bytes = (port: number) => shots(port).map(({ payload }) => payload.length);
    const [ipv4 = 0, ipv6 = 0] = bytes(2055);
    assert.deepEqual(
      listeners.map(({ address, received, kernel_drops }) => [address, received, kernel_drops]),
      [
        [`${PROXY_V4}:2055`, { packets: '1', bytes: `${ipv4}` }, '0'],
        ['[::]:2055', { packets: '1', bytes: `${ipv6}` }, '0'],
        ['[::]:4739', { packets: '2', bytes: `${ipv4 + ipv6}` }, '0'],
        ['[::]:6343', { packets: '2', bytes: `${ipv4 + ipv6}` }, '0'],
      ],
    );
  });

  test('V4: a collector that is the proxy at any of its ports is refused', async () => {
    await using stage = await Stage.start({ settings: at('[::]:2055,[::]:4739') });
    const to = (port?: number) => ({
      rules: [],
      defaultOutputs: [[{ host: PROXY_V4, ...(port && { port }) }]],
    });
    for (const port of [undefined, 2055, 4739]) {
      await assert.rejects(stage.api.replace(to(port)), /is the proxy itself/);
    }
    await stage.api.replace(to(4738));
  });

  for (const [before, after] of [
    ['[::]:2055', '[::]:2055,[::]:4739'],
    ['[::]:2055,[::]:4739', '[::]:4739,[::]:2055'],
    ['[::]:1500,[::]:2055', '[::]:2055'],
    ['[::]:2055,[::]:4739', '[::]:2055,[::]:1500'],
    ['[::]:2055', `${PROXY_V4}:2055,[::]:2055`],
    ['[::]:2055', `${PROXY_V4}:2055,[${PROXY_V6}]:2055`],
    [`${PROXY_V4}:2055,[${PROXY_V6}]:2055`, '[::]:2055'],
  ] as const) {
    test(`R27: nothing is lost at what stays in an upgrade from ${before} to ${after}`, async () => {
      await using stage = await Stage.start({ settings: at(before) });
      await stage.api.replace(STEADY_RULES);
      const { counters_since: since } = await stage.api.status();
      await startSteadyTraffic(stage, PACKETS_PER_SECOND);
      await arrivesMore(stage, 300);
      const old = await stage.service.forwarderPids();
      await leave(stage);
      await arrivesMore(stage, 100);
      await using service = await succeed(stage, after);
      assert.equal((await service.api.status()).counters_since, since);
      const pids = await service.forwarderPids();
      assert.ok(!old.some((pid) => pids.includes(pid)), `${old} and ${pids}`);
      await arrivesMore(stage, 300);
      const { isSame, sent } = await endOf(stage, before, after);
      const { listeners } = await service.api.status();
      const counted = listeners.reduce((sum, { received }) => sum + Number(received.packets), 0);
      if (isSame) assert.equal(counted, sent, JSON.stringify(listeners));
    });
  }

  test('R27: an address that another program has is named, and the others wait with it', async () => {
    await using stage = await Stage.start({ settings: at('[::]:2055') });
    const occupant = await UdpSockets.start(stage.lab.proxy);
    await using service = await (async () => {
      try {
        await occupant.receive({ host: PROXY_V4, port: 4739 });
        await stage.service.stop();
        const settings = at('[::]:2055,[::]:4739');
        const { folder } = stage.service;
        const next = await Service.start(stage.lab, { folder, settings, state: 'Offline' });
        const { proxy } = await next.api.status();
        assert.match(proxy.error ?? '', /\[::\]:4739.*use/);
        return next;
      } finally {
        await occupant[Symbol.asyncDispose]();
      }
    })();
    await service.waitForState('OK');
  });
});

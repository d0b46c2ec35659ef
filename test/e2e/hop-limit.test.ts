import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { COLLECTOR_HOST_V4, COLLECTOR_HOST_V6, PROXY_COLLECTOR_SIDE_V4 } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { describeSenders } from '../lab/senders.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { receivedBy, Stage } from '../lab/stage.ts';

const V4 = { host: '203.0.113.10', port: 41_000 };
const V6 = { host: '2001:db8:e::10', port: 41_001 };
/** On the link itself: a local broadcast leaves by the interface of its source. */
const NEIGHBOUR = { host: '198.18.1.2', port: 41_002 };
const C4 = { host: '198.51.100.10', port: 9995 };
const C6 = { host: '2001:db8:c::10', port: 9996 };
const PORT = 2055;
/** Of the exporters' side, for the whole of its link. */
const BROADCAST = '198.18.1.255';
const ALL_NODES = 'ff02::1%prx';

async function totals({ api }: Service): Promise<{ received: number; exceeded: number }> {
  const { forwarders } = await api.status();
  const exceeded = forwarders.map(({ hop_limit_exceeded }) => Number(hop_limit_exceeded));
  return {
    received: receivedBy(forwarders),
    exceeded: exceeded.reduce((sum, count) => sum + count, 0),
  };
}

describeSenders('how far packets go', ({ settings, assertUsed }) => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({ settings: { ...settings, COLLECTOR_FLOXY_THREAD_COUNT: '4' } });
    await stage.api.replace({ rules: [], defaultOutputs: [[C4], [C6]] });
  });
  after(async () => {
    await assertUsed(stage.api).finally(() => stage[Symbol.asyncDispose]());
  });

  for (const [arrives, leaves] of [
    [255, 64],
    [65, 64],
    [64, 63],
    [2, 1],
  ] as const) {
    test(`R14: what arrives with ${arrives} leaves with ${leaves}`, async () => {
      const shots = [V4, V6].map((from) => ({
        from,
        payload: Buffer.from('on'),
        hopLimit: arrives,
      }));
      const arrived = await stage.exchange(shots);
      // IPv4 to both collectors, IPv6 to one.
      assert.deepEqual(
        arrived.map(({ hopLimit }) => hopLimit),
        [leaves, leaves, leaves],
      );
    });
  }

  test('R14: what arrives with 1 goes nowhere, and is counted and logged', async () => {
    const before = await totals(stage.service);
    const rules = [{ exporter: { host: V4.host }, outputs: [[C4], [C6]] }];
    await stage.api.replace({ rules, defaultOutputs: [[C4], [C6]] });
    const shots = [V4, V6].map((from) => ({ from, payload: Buffer.from('end'), hopLimit: 1 }));
    assert.deepEqual(await stage.exchange(shots), []);
    const after = await totals(stage.service);
    assert.equal(after.exceeded - before.exceeded, 2);
    const { rules: counted } = await stage.api.statistics();
    assert.equal(counted[0]?.exporter.input.packets, '1', 'it is in the input of its rule');
    await waitFor(
      () => `the loss is logged:\n${stage.service.log}`,
      () => stage.service.log.includes('hop limit exceeded'),
    );
  });

  test('R2: a datagram to a broadcast or multicast address is one packet to four forwarders', async () => {
    await stage.api.replace({ rules: [], defaultOutputs: [[C4], [C6]] });
    const before = await totals(stage.service);
    const arrived = await stage.exchange([
      { from: V4, to: { host: BROADCAST, port: PORT }, payload: Buffer.from('to all') },
      {
        from: NEIGHBOUR,
        to: { host: '255.255.255.255', port: PORT },
        payload: Buffer.from('to all'),
      },
      { from: V6, to: { host: ALL_NODES, port: PORT }, payload: Buffer.from('to all') },
      { from: V4, payload: Buffer.from('to one') },
    ]);
    const copies = (host: string, text: string) => [
      `${host} ${C4.host} ${text}`,
      `::ffff:${host} ${C6.host} ${text}`,
    ];
    const seen = arrived.map(
      ({ source, destination, payload }) => `${source} ${destination} ${payload}`,
    );
    const expected = [
      ...copies(V4.host, 'to all'),
      ...copies(NEIGHBOUR.host, 'to all'),
      `${V6.host} ${C6.host} to all`,
      ...copies(V4.host, 'to one'),
    ];
    assert.deepEqual(seen.sort(), expected.sort());
    assert.equal((await totals(stage.service)).received - before.received, 4);
  });
});

describe('a loop of two proxies', { skip: requireRoot() }, () => {
  let stage: Stage;
  let other: Service;
  before(async () => {
    stage = await Stage.start();
    other = await Service.start(stage.lab, { namespace: stage.lab.collectors });
  });
  after(async () => {
    await other[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  const IPV4 = [COLLECTOR_HOST_V4, PROXY_COLLECTOR_SIDE_V4] as const;
  const IPV6 = [COLLECTOR_HOST_V6, 'fd00:2::1'] as const;
  for (const [name, from, [there, back]] of [
    ['IPv4', V4, IPV4],
    ['IPv6', V6, IPV6],
    ['IPv4 to IPv6', V4, IPV6],
  ] as const) {
    test(`R14: each of which is the other's default ends: ${name}`, async () => {
      const outputTo = (host: string) => [[{ host, port: PORT }]];
      await stage.api.replace({ rules: [], defaultOutputs: outputTo(there) });
      await other.api.replace({ rules: [], defaultOutputs: outputTo(back) });
      const before = await sum();
      await stage.exporters.send([
        {
          from,
          to: { host: from === V6 ? 'fd00:1::1' : '198.18.1.1', port: PORT },
          payload: Buffer.from('x'),
        },
      ]);
      let since = [0, 0];
      const hasEnded = async () => {
        const { received, exceeded } = await sum();
        since = [received - before.received, exceeded - before.exceeded];
        // What is handled in the kernel is counted a little later.
        return since[1] === 1 && (since[0] ?? 0) >= 64;
      };
      await waitFor(() => `the loop ends: ${since}`, hasEnded);
      assert.deepEqual(since, [64, 1]);
    });
  }

  async function sum() {
    const [here, there] = [await totals(stage.service), await totals(other)];
    return {
      received: here.received + there.received,
      exceeded: here.exceeded + there.exceeded,
    };
  }
});

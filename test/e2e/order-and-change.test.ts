import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Datagram } from '../lab/datagrams.ts';
import { numberedPayload } from '../lab/numbered.ts';
import type { RuleSetText } from '../lab/reference.ts';
import { describeSenders } from '../lab/senders.ts';
import { proxyFor, Stage } from '../lab/stage.ts';
import type { Stream } from '../lab/traffic.ts';
import { assertWellFormed, verify } from '../lab/verify.ts';
import { keyOf } from '../lab/wire.ts';

const BYTES = 64;
const CHANGES = 200;

function streams(count: number): Stream[] {
  return Array.from({ length: count }, (_, i) => {
    const host = i % 2 === 0 ? `203.0.113.${50 + i}` : `2001:db8:e::${50 + i}`;
    return {
      stream: i,
      from: { host, port: 20_000 + i },
      to: proxyFor(host),
      sizes: { fixed: BYTES },
    };
  });
}

const collector = (i: number) => ({ host: `2001:db8:c::${i.toString(16)}`, port: 9000 + i });

describeSenders('order and change of rules', ({ settings, assertUsed }) => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({
      settings: { ...settings, COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES: String(64 * 1024 * 1024) },
    });
  });
  after(async () => {
    await assertUsed(stage.api).finally(() => stage[Symbol.asyncDispose]());
  });

  test('R12: the packets of each exporter endpoint reach each collector in the order of their arrival', async () => {
    const ruleSet: RuleSetText = {
      rules: [{ exporter: { host: '203.0.113.50' }, outputs: [[collector(1), collector(2)]] }],
      defaultOutputs: [[collector(3), collector(4), collector(5)], [collector(6)]],
    };
    await stage.api.replace(ruleSet);
    const all = streams(20);
    const packetsPerStream = 500;
    await stage.exporters.startTraffic({
      name: 'burst',
      streams: all,
      packetsPerSecond: 15_000,
      packetsPerStream,
    });
    const { sentPerStream } = await stage.exporters.finishTraffic('burst');
    const arrived = await stage.settle(sentPerStream * all.length);
    const sent = all.map(({ stream, from }) => ({
      from,
      count: sentPerStream,
      payload: (i: number) => numberedPayload(stream, i, BYTES),
    }));
    verify(arrived, { ruleSet, sent });
    assertWellFormed(arrived);
  });

  test('R13: under traffic every packet is handled wholly by the old or wholly by the new rules', async () => {
    const host = (i: number) => ({ host: `203.0.113.${50 + i}` });
    // The sets differ in everything: collectors, number of outputs, which exporters have rules.
    const sets: RuleSetText[] = [
      {
        rules: [
          { exporter: host(0), outputs: [[collector(1)]] },
          { exporter: host(2), outputs: [] },
        ],
        defaultOutputs: [[collector(1), collector(2)], [collector(3)]],
      },
      {
        rules: [
          { exporter: host(0), outputs: [[collector(11)], [collector(12)], [collector(13)]] },
        ],
        defaultOutputs: [[collector(11)], [collector(12)], [collector(13), collector(14)]],
      },
    ];
    const all = streams(10);
    await stage.api.replace(sets[0] as RuleSetText);
    await stage.exporters.startTraffic({ name: 'flow', streams: all, packetsPerSecond: 8_000 });
    for (let i = 1; i <= CHANGES; i++) await stage.api.replace(sets[i % 2] as RuleSetText);
    const { sentPerStream } = await stage.exporters.stopTraffic('flow');
    const arrived = await stage.settle(sentPerStream * all.length);
    assertWellFormed(arrived);
    const collectorsOf = collectorsByPacket(arrived);
    const used = [0, 0];
    for (const { stream, from } of all) {
      for (let i = 0; i < sentPerStream; i++) {
        const got = collectorsOf.get(`${keyOf(from.host, from.port)} ${stream} ${i}`) ?? [];
        const by = sets.findIndex((_, set) => isWholly(got, set, from.host));
        assert.ok(
          by >= 0,
          `packet ${i} of ${from.host} went to [${got}]: by neither set as a whole`,
        );
        used[by] = (used[by] ?? 0) + 1;
      }
    }
    assert.equal(used[0] && used[1] && used[0] + used[1], sentPerStream * all.length);
  });

  /** Whether these, sorted, are the collectors of one copy to each output of the set. */
  function isWholly(got: readonly number[], set: number, host: string): boolean {
    const text = got.join();
    if (set === 1)
      return host === '203.0.113.50' ? text === '11,12,13' : /^11,12,1[34]$/.test(text);
    if (host === '203.0.113.50') return text === '1';
    if (host === '203.0.113.52') return text === '';
    return /^[12],3$/.test(text);
  }

  /** By exporter, stream and number of the packet: the numbers of the collectors that got it, sorted. */
  function collectorsByPacket(arrived: readonly Datagram[]): Map<string, number[]> {
    const collectors = new Map<string, number[]>();
    for (const { source, sourcePort, payload, destinationPort } of arrived) {
      const [stream, sequence] = [payload.readUInt32BE(0), payload.readUInt32BE(4)];
      assert.deepEqual(payload, numberedPayload(stream, sequence, BYTES));
      const key = `${keyOf(source, sourcePort)} ${stream} ${sequence}`;
      const list = collectors.get(key) ?? [];
      list.push(destinationPort - 9000);
      collectors.set(
        key,
        list.sort((a, b) => a - b),
      );
    }
    return collectors;
  }
});

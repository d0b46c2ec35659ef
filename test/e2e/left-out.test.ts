import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { OutputStatsMessage } from '../lab/api.ts';
import { type FilterText, protocolOf } from '../lab/filter.ts';
import type { OutputText, RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { TestReader } from '../lab/rings.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { assertWellFormed, verify } from '../lab/verify.ts';

const V4 = [1, 2, 3].map((i) => ({ host: `198.51.100.${i}`, port: 9995 }));
const V6 = [1, 2, 3].map((i) => ({ host: `2001:db8:c::${i}`, port: 9995 }));
const ONE = { COLLECTOR_FLOXY_THREAD_COUNT: '1' };

const words = (...values: readonly number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, i * 4);
  });
  return bytes;
};

/** One packet of each kind, and some that are too short. */
const KINDS: readonly Buffer[] = [
  words(0x0001_0001, 1, 2, 3),
  words(0x0005_0001, 1, 2, 3),
  words(0x0007_0001, 1, 2, 3),
  words(0x0009_0001, 1, 2, 3, 256, 9),
  words(0x0009_0001, 1, 2, 3, 257, 9),
  words(0x000a_0010, 1, 2, 256, 9),
  words(0x000a_0010, 1, 2, 0xffff_ffff, 9),
  words(5, 1, 0xc000_0207, 1, 2),
  words(5, 2, 0x2001_0db8, 0, 0, 7, 1, 2),
  words(4, 1, 0xc000_0207, 1, 2),
  Buffer.from('syslog, perhaps'),
  words(0x0009_0001, 1, 2, 3).subarray(0, 15),
  words(0x000a_0010, 1).subarray(0, 3),
  Buffer.alloc(0),
];

/** Exporters of both families; those of IPv4 send to collectors of both. */
const EXPORTERS = ['203.0.113.1', '203.0.113.2', '2001:db8:e::1'].map((host) => ({
  host,
  port: 5000,
}));

const FILTERS: readonly FilterText[] = [
  { protocols: ['SFLOW_V5'] },
  { protocols: ['NETFLOW_V1', 'NETFLOW_V5', 'NETFLOW_V7'] },
  { protocols: ['NETFLOW_V9', 'IPFIX'], observation_domains: [256] },
  { observation_domains: [0xffff_ffff, 257] },
  { agents: [{ host: '192.0.2.7' }, { host: '2001:db8::7:0:0' }] },
  { agents: [{ host: '2001:db8::7' }] },
  { protocols: ['OTHER'], listening_ports: [2055] },
  { listening_ports: [6343] },
];

const byNumber = (a: string, b: string) => Number(a.slice(7)) - Number(b.slice(7));

function totals(outputs: readonly OutputStatsMessage[]) {
  return outputs.map(({ collectors, filtered_out, sampled_out }) => ({
    sent: collectors.reduce((sum, { output }) => sum + Number(output.packets), 0),
    ...(filtered_out && { filtered: Number(filtered_out.packets) }),
    ...(sampled_out && { sampled: Number(sampled_out.packets) }),
  }));
}

describe('packets that outputs leave out', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  after(() => stage[Symbol.asyncDispose]());

  /** Sends each kind so often from each exporter, and holds the wire against the reference. */
  async function forward(outputs: readonly OutputText[], rounds: number, on = stage) {
    // No collector is in two outputs: the reference tells them apart by it.
    const defaultOutputs = outputs.map((output, i) => ({
      ...output,
      collectors: output.collectors.map((collector) => ({ ...collector, port: 9000 + i })),
    }));
    const ruleSet: RuleSetText = { rules: [], defaultOutputs };
    await on.api.replace({ rules: [] });
    await on.api.replace(ruleSet);
    const payload = (i: number) => KINDS[i % KINDS.length] ?? Buffer.of();
    const count = rounds * KINDS.length;
    const shots = Array.from({ length: count }, (_, i) =>
      EXPORTERS.map((from) => ({ from, payload: payload(i) })),
    ).flat();
    const arrived = await on.exchange(shots);
    assertWellFormed(arrived);
    verify(arrived, { ruleSet, sent: EXPORTERS.map((from) => ({ from, count, payload })) });
    const { default_outputs: counted } = await on.api.statistics();
    return { arrived, counted, sent: count * EXPORTERS.length };
  }

  for (const [name, collectors] of [
    ['IPv6, and IPv4 to IPv6', V6],
    ['both families', [V4[0], V6[0]].flatMap((one) => one ?? [])],
  ] as const) {
    test(`R22: each output gets what its filter lets through, and counts the others: ${name}`, async () => {
      const outputs = FILTERS.map((filter) => ({ filter, collectors }));
      const { counted, sent } = await forward(outputs, 3);
      for (const [i, { sent: taken, filtered, sampled }] of totals(counted).entries()) {
        assert.equal(taken + (filtered ?? 0), sent, JSON.stringify(FILTERS[i]));
        assert.equal(sampled, undefined);
      }
      const [sflow] = counted;
      const others = KINDS.filter((payload) => protocolOf(payload) !== 'SFLOW_V5');
      const bytes = others.reduce((sum, { length }) => sum + length, 0) * 3 * EXPORTERS.length;
      assert.equal(Number(sflow?.filtered_out?.bytes), bytes);
    });
  }

  test('R22, R3: IPv4 collectors get what the filter lets through, and IPv6 packets are lost only behind it', async () => {
    const before = await stage.api.status();
    const { counted } = await forward([{ filter: { protocols: ['IPFIX'] }, collectors: V4 }], 2);
    const kinds = KINDS.filter((payload) => protocolOf(payload) === 'IPFIX').length;
    assert.equal(totals(counted)[0]?.sent, kinds * 2 * 2);
    assert.equal(totals(counted)[0]?.filtered, (KINDS.length - kinds) * 2 * EXPORTERS.length);
    const lost = ({ forwarders }: typeof before) =>
      forwarders.reduce((sum, forwarder) => sum + Number(forwarder.no_eligible_collector), 0);
    assert.equal(lost(await stage.api.status()) - lost(before), kinds * 2);
  });

  test('R21: one of N packets is taken, behind the filter and before whose turn it is', async () => {
    const { counted, sent } = await forward(
      [
        { sample_one_in: 4, collectors: V6 },
        {
          sample_one_in: 3,
          filter: { protocols: ['SFLOW_V5'] },
          collectors: V6,
          balance: 'BY_EXPORTER',
        },
        { collectors: V6 },
      ],
      12,
    );
    const [sampled, both, all] = totals(counted);
    assert.equal((sampled?.sent ?? 0) + (sampled?.sampled ?? 0), sent);
    assert.equal((both?.sent ?? 0) + (both?.sampled ?? 0) + (both?.filtered ?? 0), sent);
    assert.deepEqual(all, { sent });
  });

  test('R21: with one forwarder every Nth packet, whoever sent it', async () => {
    await using one = await Stage.start({ settings: ONE });
    const { arrived } = await forward([{ sample_one_in: 5, collectors: V6 }], 5, one);
    const numbered = Array.from({ length: 50 }, (_, i) => ({
      from: EXPORTERS[i % EXPORTERS.length] ?? { host: '', port: 0 },
      payload: Buffer.from(`packet ${i}`),
    }));
    // As many were sent before as make the next one the first of five.
    assert.equal((5 * KINDS.length * EXPORTERS.length) % 5, 0);
    assert.ok(arrived.length > 0);
    const copies = await one.exchange(numbered);
    // Copies to several collectors can pass each other.
    const taken = copies.map(({ payload }) => payload.toString()).toSorted(byNumber);
    assert.deepEqual(
      taken,
      [0, 5, 10, 15, 20, 25, 30, 35, 40, 45].map((i) => `packet ${i}`),
    );
  });

  test('R21, R22, R17: pipelines get what is left, R14: whatever the hop limit', async () => {
    await using one = await Stage.start({ settings: ONE });
    const output = { pipeline: 'a', sample_one_in: 2, filter: { protocols: ['SFLOW_V5'] } };
    const collectors = V4.slice(0, 1).map((endpoint) => ({ endpoint }));
    await one.api.call('Settings', 'ReplaceProxyRules', {
      default_outputs: [output, { collectors, filter: { protocols: ['IPFIX'] } }],
    });
    const [pid] = await one.service.forwarderPids();
    const reader = new TestReader(pid ?? 0, 0, 0);
    const from = { host: '203.0.113.1', port: 5000 };
    const shots = KINDS.map((payload) => ({ from, payload, hopLimit: 1 }));
    assert.deepEqual(await one.exchange(shots), []);
    assert.deepEqual(
      reader.takeAll().map(({ payload }) => payload.toString('hex')),
      [KINDS[7]?.toString('hex')],
    );
    const { default_outputs: counted } = await one.api.statistics();
    assert.deepEqual(totals(counted.map((of) => ({ ...of, collectors: [] }))), [
      { sent: 0, filtered: KINDS.length - 2, sampled: 1 },
      { sent: 0, filtered: KINDS.length - 2 },
    ]);
    const { forwarders } = await one.api.status();
    assert.equal(forwarders[0]?.hop_limit_exceeded, '2', 'R14: only those that passed the filter');
  });

  test('S5, S6: what outputs left out is kept over rules, deaths, upgrades and fewer forwarders', async () => {
    const settings = { COLLECTOR_FLOXY_ORPHAN_SECONDS: '60', COLLECTOR_FLOXY_THREAD_COUNT: '3' };
    await using many = await Stage.start({ settings });
    const outputs: OutputText[] = [
      { filter: { protocols: ['IPFIX'] }, collectors: V6, sample_one_in: 2 },
    ];
    const { counted } = await forward(outputs, 8, many);
    const leftOut = (list: readonly OutputStatsMessage[]) =>
      list.map(({ filtered_out, sampled_out }) => [filtered_out, sampled_out]);
    const before = leftOut(counted);
    assert.ok(Number(before[0]?.[1]?.packets) > 0);
    const present = async ({ api }: Pick<Stage, 'api'>) =>
      leftOut((await api.statistics()).default_outputs);

    await many.api.update({
      rules: [{ exporter: { host: '192.0.2.1' }, outputs: [{ collectors: V4, sample_one_in: 9 }] }],
    });
    assert.deepEqual(await present(many), before, 'other rules');

    const started = () => many.service.log.split('"forwarder started"').length - 1;
    const twice = started() * 2;
    for (const pid of await many.service.forwarderPids()) process.kill(pid, 'SIGKILL');
    await waitFor('new forwarders run', () => started() === twice);
    assert.deepEqual(await present(many), before, 'deaths');

    process.kill(many.service.pid, 'SIGUSR2');
    await many.service.waitForEnd();
    const fewer = { ...settings, COLLECTOR_FLOXY_THREAD_COUNT: '1' };
    const { folder } = many.service;
    await using service = await Service.start(many.lab, { folder, settings: fewer });
    assert.deepEqual(await present(service), before, 'an upgrade to fewer forwarders');

    const { rules } = await service.api.rules();
    assert.equal(rules.length, 1);
    await service.api.replace({ rules: [] });
    await service.api.replace({ rules: [], defaultOutputs: outputs });
    const zero = { packets: '0', bytes: '0' };
    assert.deepEqual(await present(service), [[zero, zero]], 'new outputs');
  });
});

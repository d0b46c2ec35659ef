import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Datagram } from '../lab/datagrams.ts';
import { COLLECTOR_HOST_V4, COLLECTOR_HOST_V6 } from '../lab/lab.ts';
import { numberedPayload } from '../lab/numbered.ts';
import { describeSenders } from '../lab/senders.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { type Bound, UdpSockets } from '../lab/traffic.ts';
import { assertWellFormed, verify } from '../lab/verify.ts';

const V4 = { host: '203.0.113.10', port: 41_000 };
const V6 = { host: '2001:db8:e::10', port: 41_001 };
const C4 = { host: '198.51.100.10', port: 9995 };
const C6 = { host: '2001:db8:c::10', port: 9996 };
const EVERYWHERE = { rules: [], defaultOutputs: [[C4], [C6]] };

describeSenders('packets on the wire', ({ settings, assertUsed }) => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({
      settings: { ...settings, COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: '65535' },
    });
    await stage.api.replace(EVERYWHERE);
  });
  after(async () => {
    await assertUsed(stage.api).finally(() => stage[Symbol.asyncDispose]());
  });

  async function forward(from: Bound, payloads: readonly Buffer[]): Promise<readonly Datagram[]> {
    const arrived = await stage.exchange(payloads.map((payload) => ({ from, payload })));
    const sent = [
      { from, count: payloads.length, payload: (i: number) => payloads[i] ?? Buffer.of() },
    ];
    verify(arrived, { ruleSet: EVERYWHERE, sent });
    assertWellFormed(arrived);
    return arrived;
  }

  test("R6: source address and port are the exporter's; to IPv6, those of IPv4 are mapped", async () => {
    const payload = Buffer.from('who am I');
    const ofV4 = await forward(V4, [payload]);
    assert.deepEqual(
      ofV4.map(({ source, sourcePort, destination }) => [source, sourcePort, destination]),
      [
        [V4.host, V4.port, C4.host],
        [`::ffff:${V4.host}`, V4.port, C6.host],
      ],
    );
    const ofV6 = await forward(V6, [payload]);
    assert.deepEqual(
      ofV6.map(({ source, sourcePort, destination }) => [source, sourcePort, destination]),
      [[V6.host, V6.port, C6.host]],
    );
  });

  test('R6: collectors with real sockets receive from the exporter, on [::] from the IPv4 exporter too', async () => {
    await using collectors = await UdpSockets.start(stage.lab.collectors);
    const v4 = await collectors.receive({ host: '0.0.0.0', port: 7001 });
    const v6 = await collectors.receive({ host: '::', port: 7002 });
    await stage.api.replace({
      rules: [],
      defaultOutputs: [
        [{ host: COLLECTOR_HOST_V4, port: v4.port }],
        [{ host: COLLECTOR_HOST_V6, port: v6.port }],
      ],
    });
    const payloads = [0, 1, 1452, 1472, 9000].map((bytes) => numberedPayload(7, bytes, bytes));
    await stage.exchange(payloads.map((payload) => ({ from: V4, payload })));
    for (const [at, host] of [
      [v4, V4.host],
      [v6, `::ffff:${V4.host}`],
    ] as const) {
      await waitFor(
        `${at.host} received all`,
        async () => (await collectors.messages(at)).length >= 5,
      );
      const messages = await collectors.messages(at);
      assert.deepEqual(
        messages.map(({ payload }) => payload),
        payloads,
      );
      for (const { from } of messages) assert.deepEqual(from, { host, port: V4.port });
    }
    await stage.api.replace(EVERYWHERE);
  });

  test('R7: every UDP checksum is there and right, odd lengths and sums of 0xffff among them', async () => {
    const lengths = Array.from({ length: 70 }, (_, i) => i);
    for (const from of [V4, V6]) {
      // Two bytes that bring the sum of the rest to 0xffff: the checksum is 0 then, and 0xffff is sent.
      const completed = Buffer.from('0000', 'hex');
      await forward(
        from,
        lengths.map((bytes) => numberedPayload(1, bytes, bytes)),
      );
      const [probe] = await forward(from, [completed]);
      assert.ok(probe);
      completed.writeUInt16BE(checksumOf(probe, completed));
      const [arrived] = await forward(from, [completed]);
      assert.deepEqual([arrived?.payload, arrived?.checksumField], [completed, 0xffff]);
    }
  });

  for (const [name, from, bytes, fragments4, fragments6] of [
    ['IPv4, 1452 bytes', V4, 1452, 1, 1],
    ['IPv4, 1453 bytes', V4, 1453, 1, 2],
    ['IPv4, 1472 bytes', V4, 1472, 1, 2],
    ['IPv4, 1473 bytes', V4, 1473, 2, 2],
    ['IPv4, 9000 bytes', V4, 9000, 7, 7],
    ['IPv4, 65507 bytes', V4, 65_507, 45, 46],
    ['IPv6, 1452 bytes', V6, 1452, 0, 1],
    ['IPv6, 1453 bytes', V6, 1453, 0, 2],
    ['IPv6, 9000 bytes', V6, 9000, 0, 7],
    ['IPv6, 65527 bytes', V6, 65_527, 0, 46],
  ] as const) {
    test(`R8: ${name}: what fits the MTU is one packet, what does not is sent as fragments`, async () => {
      const before = await fragmentCounters(stage);
      const arrived = await forward(from, [numberedPayload(8, bytes, bytes)]);
      const to4 = arrived.find(({ family }) => family === 4)?.fragments ?? 0;
      const to6 = arrived.find(({ family }) => family === 6)?.fragments ?? 0;
      assert.deepEqual([to4, to6], [fragments4, fragments6]);
      for (const { largestPacketBytes } of arrived) assert.ok(largestPacketBytes <= 1500);
      const after = await fragmentCounters(stage);
      const cut = [to4, to6].filter((count) => count > 1);
      const sum = cut.reduce((total, count) => total + count, 0);
      assert.deepEqual(
        after.map((count, i) => count - (before[i] ?? 0)),
        [cut.length, sum],
      );
    });
  }

  test('R8: fragments of many packets in a row have identifications of their own', async () => {
    for (const from of [V4, V6]) {
      const payloads = Array.from({ length: 64 }, (_, i) => numberedPayload(9, i, 2000 + i));
      await forward(from, payloads);
    }
    assert.equal(stage.capture.incomplete, 0);
  });

  test('R10: datagrams of 0 bytes are forwarded', async () => {
    for (const from of [V4, V6]) await forward(from, [Buffer.of(), Buffer.of(), Buffer.of()]);
  });

  test('R11: a wildcard IPv6 address serves IPv4 exporters, and a mapped exporter in a rule is the IPv4 one', async () => {
    const ruleSet = { rules: [{ exporter: { host: `::ffff:${V4.host}` }, outputs: [[C4]] }] };
    await stage.api.replace(ruleSet);
    const arrived = await stage.exchange([{ from: V4, payload: Buffer.from('mapped') }]);
    assert.deepEqual(
      arrived.map(({ source, destination }) => [source, destination]),
      [[V4.host, C4.host]],
    );
    const stats = await stage.api.statistics({ host: V4.host });
    assert.deepEqual(stats.rules[0]?.exporter.input, { packets: '1', bytes: '6' });
    await stage.api.replace(EVERYWHERE);
  });
});

async function fragmentCounters(stage: Stage): Promise<number[]> {
  const { forwarders } = await stage.api.status();
  const sum = (name: 'fragmented' | 'fragments') =>
    forwarders.reduce((total, forwarder) => total + Number(forwarder[name]), 0);
  return [sum('fragmented'), sum('fragments')];
}

/** The checksum that a datagram with two bytes of payload, both 0, has on its way (RFC 768). */
function checksumOf(datagram: Datagram, payload: Buffer): number {
  const octets = [datagram.source, datagram.destination].flatMap(wordsOf);
  const length = 8 + payload.length;
  const words = [...octets, 17, length, datagram.sourcePort, datagram.destinationPort, length];
  const sum = words.reduce((total, word) => total + word, 0);
  const folded = (sum & 0xffff) + (sum >>> 16);
  return 0xffff - ((folded & 0xffff) + (folded >>> 16));
}

function wordsOf(address: string): number[] {
  if (!address.includes(':')) {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  }
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string) =>
    text
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16));
  return [...groups(head), ...groups(tail)];
}

describeSenders('settings of the packet path', ({ settings }) => {
  test('R6: the prefix of IPv4 sources on their way to IPv6 collectors can be another /96', async () => {
    await using stage = await Stage.start({
      settings: { ...settings, COLLECTOR_FLOXY_IPV4_SOURCE_PREFIX: '64:ff9b::/96' },
    });
    await stage.api.replace(EVERYWHERE);
    const payload = Buffer.from('translated');
    const arrived = await stage.exchange([{ from: V4, payload }]);
    const sent = [
      { from: { host: '64:ff9b::cb00:710a', port: V4.port }, count: 1, payload: () => payload },
    ];
    const toIpv6 = arrived.filter(({ family }) => family === 6);
    verify(toIpv6, { ruleSet: { rules: [], defaultOutputs: [[C6]] }, sent });
    assertWellFormed(arrived);
    assert.equal(arrived.length, 2);
  });

  test('R9: a payload longer than the packet buffer is cut to it, forwarded, counted and logged', async () => {
    await using stage = await Stage.start({
      settings: { ...settings, COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: '2000' },
    });
    await stage.api.replace(EVERYWHERE);
    for (const from of [V4, V6]) {
      const payloads = [1999, 2000, 2001, 9000].map((bytes) => numberedPayload(2, bytes, bytes));
      const arrived = await stage.exchange(payloads.map((payload) => ({ from, payload })));
      const payload = (i: number) => (payloads[i] ?? Buffer.of()).subarray(0, 2000);
      verify(arrived, { ruleSet: EVERYWHERE, sent: [{ from, count: 4, payload }] });
      assertWellFormed(arrived);
    }
    const { forwarders } = await stage.api.status();
    const truncated = forwarders.reduce((sum, forwarder) => sum + Number(forwarder.truncated), 0);
    assert.equal(truncated, 4);
    const received = forwarders.reduce(
      (sum, forwarder) => sum + Number(forwarder.received.bytes),
      0,
    );
    assert.equal(received, 2 * (1999 + 3 * 2000));
    const isLogged = () => /truncated|cut|larger than/i.test(stage.service.log);
    await waitFor(() => `the loss is logged:\n${stage.service.log}`, isLogged);
  });

  test('R9: the default packet buffer takes 1496 bytes', async () => {
    await using stage = await Stage.start({ settings });
    await stage.api.replace({ rules: [], defaultOutputs: [[C4]] });
    const payloads = [1496, 1497].map((bytes) => numberedPayload(3, bytes, bytes));
    const arrived = await stage.exchange(payloads.map((payload) => ({ from: V4, payload })));
    assert.deepEqual(
      arrived.map(({ payload }) => payload.length),
      [1496, 1496],
    );
  });

  test('R8: a smaller MTU on the way to the collector is found and kept to', async () => {
    await using stage = await Stage.start({ settings, collectorMtu: 1280 });
    await stage.api.replace(EVERYWHERE);
    for (const from of [V4, V6]) {
      const payloads = [1232, 1252, 1253, 1400].map((bytes) => numberedPayload(4, bytes, bytes));
      const arrived = await stage.exchange(payloads.map((payload) => ({ from, payload })));
      const sent = [{ from, count: 4, payload: (i: number) => payloads[i] ?? Buffer.of() }];
      verify(arrived, { ruleSet: EVERYWHERE, sent });
      for (const { largestPacketBytes } of arrived) assert.ok(largestPacketBytes <= 1280);
    }
  });
});

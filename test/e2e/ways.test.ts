/** R25, R26: how copies leave. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Datagram } from '../lab/datagrams.ts';
import { COLLECTOR_HOST_V4, COLLECTOR_HOST_V6, PROXY_COLLECTOR_SIDE_V4 } from '../lab/lab.ts';
import { type LeavingText, leavingOf } from '../lab/leaving.ts';
import { type CollectorText, decide } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { describeSenders } from '../lab/senders.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { keyOf } from '../lab/wire.ts';

const EXPORTERS = [
  { host: '203.0.113.20', port: 31_000, hopLimit: 64 },
  { host: '203.0.113.21', port: 31_001, hopLimit: 3 },
  { host: '2001:db8:e::20', port: 31_002, hopLimit: 255 },
];
const OWN = { ipv4: PROXY_COLLECTOR_SIDE_V4, ipv6: 'fd00:2::1' };
const PREFIX = '64:ff9b::/96';

/** Each with a collector of each family, whose address says which it is. */
const WAYS: readonly LeavingText[] = [
  {},
  { hopLimit: 200 },
  { dscp: 46, hopLimit: 1 },
  { ipv4SourcePrefix: PREFIX },
  { source: 'PROXY' },
  { source: 'PROXY', hopLimit: 9, dscp: 8 },
  { sourceEndpoint: { host: '203.0.113.99', port: 7 } },
  { sourceEndpoint: { host: '203.0.113.98' }, dscp: 63, ipv4SourcePrefix: PREFIX },
  { sourceEndpoint: { host: '2001:db8:e::99', port: 8 }, hopLimit: 255 },
];

function collectors(): CollectorText[] {
  return WAYS.flatMap((way, i) => {
    const { ipv4SourcePrefix, ...ipv4 } = way;
    const isIpv6Source = way.sourceEndpoint?.host.includes(':') === true;
    const to6 = { host: `2001:db8:c::${i + 1}`, port: 9000 + i, ...way };
    return isIpv6Source ? [to6] : [to6, { host: `198.51.100.${i + 1}`, port: 9000 + i, ...ipv4 }];
  });
}

/** Everything that a test wants to be right of a copy, by where it went and what it carries. */
const told = (copy: Datagram) => [
  `${keyOf(copy.destination, copy.destinationPort)} ${copy.payload.length} ${copy.payload.toString('latin1', 0, 2)}`,
  {
    source: copy.source,
    sourcePort: copy.source === OWN.ipv4 || copy.source === OWN.ipv6 ? undefined : copy.sourcePort,
    hopLimit: copy.hopLimit,
    dscp: copy.dscp,
  },
];

describeSenders('how copies leave', ({ settings, assertUsed }) => {
  let stage: Stage;
  const defaultOutputs = collectors().map((collector) => [collector]);
  before(async () => {
    stage = await Stage.start({
      settings: { ...settings, COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: '9000' },
    });
    await stage.api.replace({ rules: [], defaultOutputs });
  });
  after(() => stage[Symbol.asyncDispose]());

  for (const [what, bytes] of [
    ['that fit', 100],
    ['without payload but two bytes', 2],
    ['that are fragmented', 4000],
  ] as const) {
    test(`R25, R26: sources, hop limits, code points and prefixes of copies ${what}`, async () => {
      const payload = (i: number) => Buffer.alloc(bytes, `${i}x`);
      const shots = EXPORTERS.map(({ hopLimit, ...from }, i) => ({
        from,
        hopLimit,
        payload: payload(i),
      }));
      const arrived = await stage.exchange(shots);
      const expected = EXPORTERS.flatMap((exporter, i) => {
        const { groups } = decide({ rules: [], defaultOutputs }, exporter, 2055);
        return collectors().flatMap((collector) => {
          const key = keyOf(collector.host, collector.port ?? 0);
          if (!groups.some(([only]) => only === key)) return [];
          const name = `${key} ${bytes} ${payload(i).toString('latin1', 0, 2)}`;
          return [[name, leavingOf(collector, exporter, OWN)]];
        });
      });
      const inOrder = (copies: unknown[][]) =>
        copies.toSorted((a, b) => `${a}`.localeCompare(`${b}`));
      assert.deepEqual(inOrder(arrived.map(told)), inOrder(expected));
      for (const { source, checksum, doNotFragment, payload: got } of arrived) {
        // The kernel leaves the checksum of whole datagrams that it makes to the link, which here is none.
        const isLeftToLink = source === OWN.ipv4 || source === OWN.ipv6;
        if (!isLeftToLink) assert.equal(checksum, 'good');
        assert.ok(!doNotFragment);
        assert.ok(EXPORTERS.some((_, i) => got.equals(payload(i))));
      }
    });
  }

  test('R25, R26: the sender makes what rules say, where no copy is to be from an address of the proxy', async () => {
    const leaving = collectors().filter(({ source }) => source === undefined);
    const outputs = leaving.map((collector) => [collector]);
    await stage.api.replace({ rules: [], defaultOutputs: outputs });
    const from = { host: '203.0.113.77', port: 31_005 };
    const copies = async () => {
      const arrived = await stage.exchange([{ from, hopLimit: 10, payload: Buffer.from('0x') }]);
      return new Map(arrived.map((copy) => told(copy) as [string, unknown]));
    };
    // Paths are there a moment after their collectors.
    await waitFor('copies leave so', async () => {
      const told = await copies();
      for (const collector of leaving) {
        const key = `${keyOf(collector.host, collector.port ?? 0)} 2 0x`;
        assert.deepEqual(told.get(key), leavingOf(collector, { ...from, hopLimit: 10 }, OWN));
      }
      return assertUsed(stage.api).then(
        () => true,
        () => false,
      );
    });
  });

  test('R25: copies from an address of the proxy keep their port, also over an upgrade', async () => {
    const rules = [[{ host: '198.51.100.55', port: 9, source: 'PROXY' as const }]];
    await stage.api.replace({ rules: [], defaultOutputs: rules });
    const shot = { from: { host: '203.0.113.20', port: 31_000 }, payload: Buffer.from('x') };
    const port = async () => new Set((await stage.exchange([shot, shot])).map((c) => c.sourcePort));
    const first = await port();
    assert.equal(first.size, 1);
    process.kill(stage.service.pid, 'SIGUSR2');
    await stage.service.waitForEnd();
    await using _ = await Service.start(stage.lab, { folder: stage.service.folder });
    await stage.exporters.send(
      [shot, shot].map((one) => ({ to: { host: '198.18.1.1', port: 2055 }, ...one })),
    );
    const later = () =>
      stage.capture.arrived().filter(({ destination }) => destination === '198.51.100.55');
    await waitFor('two more arrive', () => later().length >= 4);
    assert.deepEqual(new Set(later().map(({ sourcePort }) => sourcePort)), first);
  });
});

describe('what comes back', { skip: requireRoot() }, () => {
  test('R25: a closed port is noticed, counted with its collector, and costs no other a copy', async () => {
    await using stage = await Stage.start();
    const closed = [COLLECTOR_HOST_V4, COLLECTOR_HOST_V6].map((host) => ({ host, port: 4 }));
    const own = (collector: { host: string; port: number }) => [
      { ...collector, source: 'PROXY' as const },
    ];
    const others = ['198.51.100.77', '2001:db8:c::77'].map((host) => ({ host, port: 9 }));
    await stage.api.replace({ rules: [], defaultOutputs: [...closed, ...others].map(own) });
    const shot = { from: { host: '203.0.113.20', port: 31_000 }, payload: Buffer.from('x') };
    let sent = 0;
    const isTold = async () => {
      sent += 10;
      const arrived = await stage.exchange(Array.from({ length: 10 }, () => shot));
      assert.equal(arrived.length, 40, 'each copy leaves');
      const { forwarders } = await stage.api.status();
      const errors = forwarders.flatMap(({ send_errors }) => send_errors);
      assert.deepEqual(errors, [], 'none is an error of sending');
      const codes = forwarders.flatMap(({ refusals }) => refusals.map(({ code }) => code));
      return codes.includes('ECONNREFUSED') && (await areTold());
    };
    /** One of each family can come later: hosts do not answer every datagram. */
    const areTold = async () => {
      const { collectors } = await stage.api.traffic();
      return closed.every(({ host, port }) =>
        collectors.some(
          ({ endpoint, errors }) =>
            endpoint.host === host &&
            endpoint.port === port &&
            errors.some(({ code }) => code === 'ECONNREFUSED'),
        ),
      );
    };
    await waitFor('both are counted', isTold);
    const { forwarders } = await stage.api.status();
    const forwarded = forwarders.reduce((sum, one) => sum + Number(one.forwarded.packets), 0);
    assert.equal(forwarded, sent * 4, 'S2: a copy that came back was sent');
  });
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DatagramReader } from '../lab/datagrams.ts';
import { protocolOf } from '../lab/filter.ts';
import { FlowCollector } from '../lab/flow-tools.ts';
import { makeFolder } from '../lab/lab.ts';
import { CaptureReader } from '../lab/pcap.ts';
import type { OutputText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { type Shot, Stage } from '../lab/stage.ts';
import { assertWellFormed, type Sent, verify } from '../lab/verify.ts';
import { keyOf } from '../lab/wire.ts';

const folder = process.env['FLOXY_CAPTURES'];
const RULES = {
  rules: [],
  defaultOutputs: [
    [{ host: '198.51.100.1', port: 9995 }],
    [{ host: '2001:db8:c::1', port: 9995 }],
    ['2001:db8:c::2', '2001:db8:c::3', '2001:db8:c::4'].map((host) => ({ host, port: 9995 })),
  ],
};
const at = (host: number) => ({ host: `2001:db8:c::${host}`, port: 9000 + host });

/** From whom the payloads of .dat files come: these have no addresses. */
const NAMELESS = { host: '203.0.113.250', port: 2056 };

/**
 * Where a recorded packet is sent from. Loopback addresses cannot leave a host (RFC 1122 section
 * 3.2.1.3): they become addresses that the lab's exporters own.
 */
function senderOf(source: string): string {
  return source.startsWith('127.') ? source.replace(/^127\.0\./, '100.64.') : source;
}

/** The UDP payloads of a capture, with the addresses and ports that they came from. */
function readShots(path: string): Shot[] {
  const bytes = readFileSync(path);
  if (path.endsWith('.dat')) return [{ from: NAMELESS, payload: bytes }];
  const datagrams = new DatagramReader();
  return new CaptureReader().push(bytes).flatMap((frame) => {
    const datagram = datagrams.push(frame);
    if (datagram === undefined) return [];
    const from = { host: senderOf(datagram.source), port: datagram.sourcePort };
    return [{ from, payload: datagram.payload }];
  });
}

function bySender(shots: readonly Shot[]): Sent[] {
  const groups = Map.groupBy(shots, ({ from }) => keyOf(from.host, from.port));
  return [...groups.values()].map((group) => ({
    from: group[0]?.from ?? NAMELESS,
    count: group.length,
    payload: (i) => group[i]?.payload ?? Buffer.of(),
  }));
}

const reason =
  folder === undefined && 'FLOXY_CAPTURES is not set to a folder with captures of real exporters';

const files = readdirSync(folder ?? '.').filter((name) => /\.(pcap|dat)$/.test(name));
/** What real exporters send can be larger than the default. */
const LARGE = { COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: '9216' };

describe('collectors of captures', { skip: reason || requireRoot() }, () => {
  test('R23: three nfcapd that share NetFlow v9 and IPFIX record together what one alone does', async () => {
    // A service that has seen none of them: one that knows templates tells them to collectors that share, at once.
    // One forwarder: nfcapd knows exporters by their address, and ports of one address stay in their order.
    const settings = { ...LARGE, COLLECTOR_FLOXY_THREAD_COUNT: '1' };
    await using stage = await Stage.start({ settings });
    const isTemplated = ({ payload }: Shot) =>
      [9, 10].includes(payload.length > 1 ? payload.readUInt16BE(0) : 0);
    const shots = files.flatMap((file) => readShots(join(folder ?? '', file))).filter(isTemplated);
    const sharing = [11, 12, 13].map(at);
    const flows = makeFolder('flows');
    await using resources = new AsyncDisposableStack();
    resources.defer(() => rmSync(flows, { recursive: true, force: true }));
    const collectors: FlowCollector[] = [];
    for (const one of [...sharing, at(14)]) {
      const started = await FlowCollector.start(stage.lab, one, join(flows, `${one.port}`));
      collectors.push(resources.use(started));
    }
    await stage.api.replace({ rules: [], defaultOutputs: [sharing, [at(14)]] });
    await stage.lab.addExporterAddresses([...new Set(shots.map(({ from }) => from.host))]);
    // No more at once than the receive buffer of one collector takes.
    for (let i = 0; i < shots.length; i += 50) await stage.exchange(shots.slice(i, i + 50));
    const recorded: string[][] = [];
    for (const collector of collectors) {
      recorded.push((await collector.flows()).map((flow) => JSON.stringify(flow)));
    }
    const alone = recorded.pop() ?? [];
    assert.ok(alone.length > 1000, `${alone.length} flows`);
    assert.deepEqual(recorded.flat().sort(), alone.toSorted());
    for (const part of recorded) assert.ok(part.length > 0, 'each has some of them');
  });
});

describe('captures of real exporters', { skip: reason || requireRoot() }, () => {
  const known = new Set<string>();
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({ settings: LARGE });
    await stage.api.replace(RULES);
  });
  after(() => stage[Symbol.asyncDispose]());

  for (const file of folder === undefined ? [] : files) {
    test(`R23: ${file} arrives byte for byte from where it came, and its templates at all that share it`, async () => {
      const shots = readShots(join(folder ?? '', file));
      assert.ok(shots.length > 0, 'the capture has UDP datagrams');
      const senders = [...new Set(shots.map(({ from }) => from.host))].filter(
        (host) => !known.has(host),
      );
      for (const sender of senders) known.add(sender);
      await stage.lab.addExporterAddresses(senders);
      const arrived = await stage.exchange(shots);
      assertWellFormed(arrived);
      verify(arrived, { ruleSet: RULES, sent: bySender(shots) });
    });
  }

  test('R22: one exporter that sends all of it, sFlow and NetFlow in turns, is split', async () => {
    const all = files.flatMap((file) => readShots(join(folder ?? '', file)));
    const kinds = Map.groupBy(all, ({ payload }) => protocolOf(payload));
    assert.ok(
      ['NETFLOW_V5', 'NETFLOW_V9', 'IPFIX', 'SFLOW_V5', 'OTHER'].every((kind) => kinds.has(kind)),
    );
    // Some of each in turns.
    const shots = Array.from({ length: 400 }, (_, i) =>
      [...kinds.values()].flatMap((shots) => shots[i] ?? []),
    )
      .flat()
      .map(({ payload }) => ({ from: NAMELESS, payload }));
    const outputs: OutputText[] = [
      { filter: { protocols: ['SFLOW_V5'] }, collectors: [at(1)] },
      { filter: { protocols: ['NETFLOW_V5', 'NETFLOW_V9'] }, collectors: [at(2)] },
      { filter: { protocols: ['IPFIX'] }, collectors: [at(3)], balance: 'BY_EXPORTER' },
      { filter: { protocols: ['NETFLOW_V1', 'NETFLOW_V7', 'OTHER'] }, collectors: [at(4)] },
    ];
    const ruleSet = { rules: [{ exporter: { host: NAMELESS.host }, outputs }] };
    await stage.api.replace(ruleSet);
    const arrived = await stage.exchange(shots);
    assertWellFormed(arrived);
    verify(arrived, { ruleSet, sent: bySender(shots) });
    assert.equal(arrived.length, shots.length, 'each packet is one for exactly one output');
    const { rules } = await stage.api.statistics();
    const counted = rules[0]?.outputs.map(({ filtered_out, collectors }) =>
      [filtered_out, collectors[0]?.output].reduce((sum, one) => sum + Number(one?.packets), 0),
    );
    assert.deepEqual(
      counted,
      outputs.map(() => shots.length),
    );
  });
});

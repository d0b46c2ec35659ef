import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DatagramReader } from '../lab/datagrams.ts';
import { protocolOf } from '../lab/filter.ts';
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

describe('captures of real exporters', { skip: reason || requireRoot() }, () => {
  const known = new Set<string>();
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({ settings: { COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: '9216' } });
    await stage.api.replace(RULES);
  });
  after(() => stage[Symbol.asyncDispose]());

  const files = readdirSync(folder ?? '.').filter((name) => /\.(pcap|dat)$/.test(name));
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

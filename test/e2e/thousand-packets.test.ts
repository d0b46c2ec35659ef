import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CountersMessage, EndpointMessage, OutputStatsMessage } from '../lab/api.ts';
import type { Datagram } from '../lab/datagrams.ts';
import { numberedPayload, payloadBytes } from '../lab/numbered.ts';
import { decide, type RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { proxyFor, Stage } from '../lab/stage.ts';
import type { Stream } from '../lab/traffic.ts';
import { assertWellFormed, type Sent, verify } from '../lab/verify.ts';
import { canonicalText, type EndpointText, keyOf } from '../lab/wire.ts';

const EXPORTERS = 100;
const PACKETS = 1_000;
const PACKETS_PER_SECOND = 6_000;
const SIZES = { mixedUpTo: 9_000 };
/** Exporters 0 to 39 have a rule; the first ten have another one that must not fire. */
const WITH_RULE = 40;
const WITH_TWO_RULES = 10;

const streams: Stream[] = Array.from({ length: EXPORTERS }, (_, i) => {
  const host = i % 2 === 0 ? `203.0.113.${100 + i}` : `2001:db8:e::${(0xa00 + i).toString(16)}`;
  return { stream: i, from: { host, port: 10_000 + i * 7 }, to: proxyFor(host), sizes: SIZES };
});

/** A collector of output o: IPv6, or IPv4 where the exporter allows it. Never the same in two outputs. */
function collector(i: number, o: number, c: number): EndpointText {
  const port = 9000 + o;
  const isIpv4 = i % 2 === 0 && (o + c) % 2 === 0;
  return {
    host: isIpv4 ? `198.51.100.${1 + c + i}` : `2001:db8:c::${(1 + c + i).toString(16)}`,
    port,
  };
}

function outputsOf(i: number): EndpointText[][] {
  const sizes = Array.from({ length: 1 + (i % 4) }, (_, o) => 1 + ((i + o) % 3));
  return sizes.map((size, o) => Array.from({ length: size }, (_, c) => collector(i, o, c)));
}

function makeRules(): RuleSetText {
  const rules = streams.slice(0, WITH_RULE).map(({ from }, i) => {
    const exporter = i < WITH_TWO_RULES || i % 4 === 0 ? from : { host: from.host };
    return { exporter, outputs: outputsOf(i) };
  });
  const decoys = streams.slice(0, WITH_TWO_RULES).map(({ from }, i) => ({
    exporter: { host: from.host },
    outputs: [[{ host: '2001:db8:c::dead', port: 9000 + i }]],
  }));
  const defaultOutputs = [
    [
      { host: '192.0.2.1', port: 9900 },
      { host: '2001:db8:c::ff', port: 9900 },
      { host: '2001:db8:c::fe' },
    ],
    [{ host: '192.0.2.2', port: 9901 }],
    [
      { host: '2001:db8:c::fd', port: 9902 },
      { host: '2001:db8:c::fc', port: 9902 },
    ],
  ];
  return { rules: [...decoys, ...rules], defaultOutputs };
}

function sentBy({ stream, from }: Stream): Sent {
  const payload = (i: number) => numberedPayload(stream, i, payloadBytes(SIZES, stream, i));
  return { from, count: PACKETS, payload };
}

describe('a hundred exporters', { skip: requireRoot() }, () => {
  test('a thousand packets each, through fifty rules: every copy arrives once, at the right collector, in order, byte for byte, and is counted', async () => {
    await using stage = await Stage.start({
      settings: {
        COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: '9216',
        COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES: String(64 * 1024 * 1024),
      },
    });
    const ruleSet = makeRules();
    assert.equal(ruleSet.rules.length, 50);
    await stage.api.replace(ruleSet);
    await stage.exporters.startTraffic({
      name: 'all',
      streams,
      packetsPerSecond: PACKETS_PER_SECOND,
      packetsPerStream: PACKETS,
    });
    const { sentPerStream, failed } = await stage.exporters.finishTraffic('all');
    assert.deepEqual([sentPerStream, failed], [PACKETS, 0]);
    const arrived = await stage.settle(PACKETS * EXPORTERS);
    // First of all, so that nobody else is blamed for what tcpdump lost.
    await stage.capture.stop();

    assertWellFormed(arrived);
    verify(arrived, { ruleSet, sent: streams.map(sentBy) });
    await assertCounted(stage, ruleSet, arrived);
    await stage.service.stop();
  });
});

/** Sums of packets and bytes by name. */
class Tally {
  readonly #sums = new Map<string, { packets: number; bytes: number }>();

  add(name: string, packets: number, bytes: number): void {
    const sum = this.#sums.get(name) ?? { packets: 0, bytes: 0 };
    sum.packets += packets;
    sum.bytes += bytes;
    this.#sums.set(name, sum);
  }

  /** As the API prints it. */
  message(name: string): CountersMessage {
    const { packets, bytes } = this.#sums.get(name) ?? { packets: 0, bytes: 0 };
    return { packets: String(packets), bytes: String(bytes) };
  }
}

const nameOf = ({ host, port }: EndpointText | EndpointMessage) => keyOf(host ?? '', port ?? 0);

/** Holds the statistics against what was sent and what was counted on the wire (S1 to S4). */
async function assertCounted(
  stage: Stage,
  ruleSet: RuleSetText,
  arrived: readonly Datagram[],
): Promise<void> {
  const owners = new Map(
    streams.map(({ from }) => {
      const { rule } = decide(ruleSet, from, 2055);
      return [nameOf(from), rule === undefined ? 'default' : nameOf(rule.exporter)];
    }),
  );
  const tally = new Tally();
  for (const stream of streams) {
    const bytes = Array.from({ length: PACKETS }, (_, i) => payloadBytes(SIZES, stream.stream, i));
    const sum = bytes.reduce((total, size) => total + size, 0);
    tally.add(owners.get(nameOf(stream.from)) ?? '', PACKETS, sum);
  }
  for (const { source, sourcePort, destination, destinationPort, payload } of arrived) {
    const owner = owners.get(keyOf(canonicalText(source), sourcePort));
    tally.add(`${owner} to ${keyOf(destination, destinationPort)}`, 1, payload.length);
  }
  const assertOutputs = (owner: string, outputs: readonly OutputStatsMessage[]) => {
    for (const { endpoint, output } of outputs.flatMap(({ collectors }) => collectors)) {
      const name = `${owner} to ${keyOf(endpoint.host ?? '', endpoint.port ?? 2055)}`;
      assert.deepEqual(output, tally.message(name), name);
    }
  };
  const { rules, default_outputs, mismatched } = await stage.api.statistics();
  assert.equal(rules.length, 50);
  for (const { exporter, outputs } of rules) {
    assert.deepEqual(
      exporter.input,
      tally.message(nameOf(exporter.endpoint)),
      nameOf(exporter.endpoint),
    );
    assertOutputs(nameOf(exporter.endpoint), outputs);
  }
  assertOutputs('default', default_outputs);
  assert.deepEqual(mismatched, tally.message('default'));
  const { forwarders } = await stage.api.status();
  for (const { kernel_drops, send_errors, truncated } of forwarders) {
    assert.deepEqual([kernel_drops, send_errors, truncated], ['0', [], '0']);
  }
}

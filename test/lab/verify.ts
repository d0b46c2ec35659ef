/**
 * Compares what arrived on the wire with what the reference demands: for every packet sent and every output,
 * exactly one eligible collector got it, once, byte for byte, in order, and evenly.
 */
import assert from 'node:assert/strict';
import type { Datagram } from './datagrams.ts';
import { decide, type RuleSetText } from './reference.ts';
import { canonicalText, keyOf, mappedSource } from './wire.ts';

/** All that one exporter endpoint sent, in order. */
export interface Sent {
  readonly from: { readonly host: string; readonly port: number };
  readonly count: number;
  /** The payload that has to arrive for packet number i (already cut, where it has to be cut). */
  readonly payload: (i: number) => Buffer;
}

export interface Demand {
  readonly ruleSet: RuleSetText;
  readonly sent: readonly Sent[];
  readonly receivedOn?: number;
  /** How far the counts of an output's collectors, less their shares, may be apart: each forwarder rotates on its own. */
  readonly unevenness?: number;
  /** What precedes an IPv4 source on its way to an IPv6 collector; default `::ffff:`. */
  readonly prefix?: string;
}

/** Copies that arrived at one collector from one exporter endpoint. */
type Queues = Map<string, Map<string, { at: number; datagrams: Indexed[] }>>;
/** Of shares. */
const ROUNDING = 1e-6;

/** By member of a group: how many packets it got, and what part of all it should get. */
type Balance = readonly { readonly count: number; readonly share: number }[];
type Indexed = { readonly datagram: Datagram; readonly index: number };

/** @throws AssertionError that names exporter, packet and collector */
export function verify(arrived: readonly Datagram[], demand: Demand): void {
  const { ruleSet, sent, receivedOn = 2055, unevenness = 2, prefix = '::ffff:' } = demand;
  const queues = queuesOf(arrived);
  const balance = new Map<string, Balance>();
  for (const stream of sent) {
    const { groups, shares, rule } = decide(ruleSet, stream.from, receivedOn);
    const owner =
      rule === undefined ? 'default' : keyOf(rule.exporter.host, rule.exporter.port ?? 0);
    groups.forEach((group, output) => {
      const counts = verifyGroup(queues, stream, group, prefix);
      const family = stream.from.host.includes(':') ? 'IPv6' : 'IPv4';
      const name = `output ${output} of ${owner} for ${family} to [${group}]`;
      const sums =
        balance.get(name) ?? group.map((_, i) => ({ count: 0, share: shares[output]?.[i] ?? 0 }));
      balance.set(
        name,
        sums.map(({ count, share }, i) => ({
          count: count + (counts.get(group[i] ?? '') ?? 0),
          share,
        })),
      );
    });
  }
  assertNothingLeft(queues);
  for (const [name, members] of balance) assertBalanced(name, members, unevenness);
}

/** R2, R16: with equal shares, how far the counts themselves are apart. */
function assertBalanced(name: string, members: Balance, unevenness: number): void {
  const all = members.reduce((sum, { count }) => sum + count, 0);
  const surplus = members.map(({ count, share }) => count - all * share);
  const spread = Math.max(...surplus) - Math.min(...surplus);
  assert.ok(spread <= unevenness + ROUNDING, `${name} is uneven: ${JSON.stringify(members)}`);
}

/** Every datagram that arrived has to be well-formed, wherever it went. */
export function assertWellFormed(arrived: readonly Datagram[]): void {
  for (const datagram of arrived) {
    const { source, sourcePort, destination, checksum, headerChecksumIsGood, hopLimit } = datagram;
    const name = `${keyOf(source, sourcePort)} to ${destination}, ${datagram.payload.length} bytes`;
    assert.equal(checksum, 'good', `the UDP checksum of ${name}`);
    assert.ok(headerChecksumIsGood, `the IPv4 header checksum of ${name}`);
    assert.ok(!datagram.doNotFragment, `DF is set in ${name}`);
    // Exporters send with 64, over one link (R14).
    assert.equal(hopLimit, 63, `the hop limit of ${name}`);
  }
}

/** Finds each packet at one collector of the group; returns how many each got. */
function verifyGroup(
  queues: Queues,
  stream: Sent,
  group: readonly string[],
  prefix: string,
): Map<string, number> {
  const exporter = keyOf(stream.from.host, stream.from.port);
  const ofExporter = queues.get(exporter);
  const counts = new Map(group.map((collector) => [collector, 0]));
  for (let i = 0; i < stream.count; i++) {
    const payload = stream.payload(i);
    const next = group
      .map((collector) => ({ collector, queue: ofExporter?.get(collector) }))
      .map(({ collector, queue }) => ({ collector, queue, head: queue?.datagrams[queue.at] }))
      .filter(({ head }) => head?.datagram.payload.equals(payload))
      // Of several that look alike, as empty ones do, the one that arrived first is this packet's.
      .toSorted((a, b) => (a.head?.index ?? 0) - (b.head?.index ?? 0))[0];
    if (next?.queue === undefined) {
      assert.fail(
        `packet ${i} of ${exporter} (${payload.length} bytes) is next at none of [${group}]${heads(ofExporter, group)}`,
      );
    }
    const wanted = wireSource(stream.from.host, next.collector, prefix);
    assert.equal(
      next.head?.datagram.source,
      wanted,
      `the source of ${exporter} at ${next.collector}`,
    );
    next.queue.at++;
    counts.set(next.collector, (counts.get(next.collector) ?? 0) + 1);
  }
  return counts;
}

function heads(ofExporter: ReturnType<Queues['get']>, group: readonly string[]): string {
  const lines = group.map((collector) => {
    const queue = ofExporter?.get(collector);
    const head = queue?.datagrams[queue.at]?.datagram.payload;
    const said =
      head === undefined ? 'nothing' : `${head.length} bytes ${head.toString('hex', 0, 8)}`;
    return `\n  ${collector}: ${queue?.at ?? 0} taken of ${queue?.datagrams.length ?? 0}, next ${said}`;
  });
  return lines.join('');
}

/** A mapped source is the IPv4 exporter's here; verifyGroup looks at its spelling on the wire. */
function queuesOf(arrived: readonly Datagram[]): Queues {
  const queues: Queues = new Map();
  arrived.forEach((datagram, index) => {
    const exporter = keyOf(datagram.source, datagram.sourcePort);
    const collector = keyOf(datagram.destination, datagram.destinationPort);
    const ofExporter = queues.get(exporter) ?? new Map();
    queues.set(exporter, ofExporter);
    const queue = ofExporter.get(collector) ?? { at: 0, datagrams: [] };
    ofExporter.set(collector, queue);
    queue.datagrams.push({ datagram, index });
  });
  return queues;
}

function assertNothingLeft(queues: Queues): void {
  for (const [exporter, ofExporter] of queues) {
    for (const [collector, { at, datagrams }] of ofExporter) {
      const surplus = datagrams.length - at;
      assert.equal(surplus, 0, `${surplus} packets of ${exporter} too many at ${collector}`);
    }
  }
}

/** What the source of a copy has to be on the wire (R6). */
function wireSource(exporter: string, collector: string, prefix: string): string {
  const isTranslated = !exporter.includes(':') && collector.startsWith('[');
  return isTranslated ? mappedSource(exporter, prefix) : canonicalText(exporter);
}

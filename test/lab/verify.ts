/**
 * Compares what arrived on the wire with what the reference demands: for every packet sent and every output,
 * exactly one eligible collector got it, once, byte for byte, in order, and evenly, and the others what they need of it.
 */
import assert from 'node:assert/strict';
import type { Datagram } from './datagrams.ts';
import { decide, type RuleSetText } from './reference.ts';
import { TemplateCopies } from './template-copies.ts';
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

/** Packets of a stream in a group. */
interface Taken {
  /** By member, how many it got when it was its turn. */
  readonly counts: ReadonlyMap<string, number>;
  /** How many all members got alike: nobody knows whose turn it was. */
  readonly alike: number;
}
type Indexed = { readonly datagram: Datagram; readonly index: number };

/** @throws AssertionError that names exporter, packet and collector */
export function verify(arrived: readonly Datagram[], demand: Demand): void {
  const { ruleSet, sent, receivedOn = 2055, unevenness = 2, prefix = '::ffff:' } = demand;
  const queues = queuesOf(arrived);
  const balance = new Map<string, Balance>();
  const alike = new Map<string, number>();
  for (const stream of sent) {
    const { groups, informed, shares, rule } = decide(ruleSet, stream.from, receivedOn);
    const owner = rule === undefined ? 'default' : JSON.stringify(rule.exporter);
    groups.forEach((group, output) => {
      const who = { group, informed: informed[output] ?? [] };
      const taken = verifyGroup(queues, stream, who, prefix);
      const family = stream.from.host.includes(':') ? 'IPv6' : 'IPv4';
      const name = `output ${output} of ${owner} for ${family} to [${group}]`;
      const sums =
        balance.get(name) ?? group.map((_, i) => ({ count: 0, share: shares[output]?.[i] ?? 0 }));
      balance.set(
        name,
        sums.map(({ count, share }, i) => ({
          count: count + (taken.counts.get(group[i] ?? '') ?? 0),
          share,
        })),
      );
      alike.set(name, (alike.get(name) ?? 0) + taken.alike);
    });
  }
  assertNothingLeft(queues);
  for (const [name, members] of balance) {
    assertBalanced(name, members, unevenness + (alike.get(name) ?? 0));
  }
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

/** Finds each packet at one collector of the group, and what the others get of it (R23) at all others. */
function verifyGroup(
  queues: Queues,
  stream: Sent,
  { group, informed }: { readonly group: readonly string[]; readonly informed: readonly string[] },
  prefix: string,
): Taken {
  const exporter = keyOf(stream.from.host, stream.from.port);
  const ofExporter = queues.get(exporter);
  const counts = new Map(group.map((collector) => [collector, 0]));
  const templates = new TemplateCopies();
  let alike = 0;
  for (let i = 0; i < stream.count; i++) {
    const payload = stream.payload(i);
    const forOthers = informed.length > 1 ? templates.take(payload) : undefined;
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
    if (forOthers?.equals(payload) && group.length > 1) alike++;
    else counts.set(next.collector, (counts.get(next.collector) ?? 0) + 1);
    if (forOthers === undefined) continue;
    for (const other of informed.filter((collector) => collector !== next.collector)) {
      const queue = ofExporter?.get(other);
      const head: Datagram | undefined = queue?.datagrams[queue.at]?.datagram;
      if (queue === undefined || !head?.payload.equals(forOthers)) {
        assert.fail(
          `what ${other} needs of packet ${i} of ${exporter} (${forOthers.length} bytes) is not next there${heads(ofExporter, [other])}`,
        );
      }
      assert.equal(head.source, wireSource(stream.from.host, other, prefix), `at ${other}`);
      queue.at++;
    }
  }
  return { counts, alike };
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
